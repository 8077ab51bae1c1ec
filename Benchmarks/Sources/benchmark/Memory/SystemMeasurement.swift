// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import Foundation
import StorageEngine
import Workloads

/// One run of a prevalent system, in a process of its own: accounts, and commands that change one.
struct SystemMeasurement {
  /// What is measured.
  enum Figure: String, CaseIterable {
    case commands = "commands, in memory until the next flush, 1 thread"
    case flushedCommands = "flushed commands, 4 threads"
    case longestDuringImage = "command while an image is written, the longest"
    case longestQuery = "query beside commands, p99.9"

    var unit: String {
      switch self {
      case .commands, .flushedCommands: "/s"
      case .longestDuringImage, .longestQuery: "µs"
      }
    }
  }

  let folder: String
  let entries: Int
  private(set) var figures: [Figure: Double] = [:]

  mutating func measure() throws {
    let path = folder + "/system.store"
    var options = PrevalentOptions<Bank>()
    options.images = .manual
    options.keepsSecondCopy = true
    let count = entries
    let system = try PrevalentSystem.open(
      at: path, CommandRegistry<Bank>(Deposit.self), options: options
    ) { Bank(accounts: count) }
    figures[.commands] =
      Double(count)
      / (try Recorder.seconds {
        for number in 0..<count {
          try system.execute(Deposit(account: number, amount: 1), durability: .manual)
        }
        try system.flush()
      })
    figures[.flushedCommands] = try Self.flushedRate(system)
    try measureImage(system)
    try measureQueries(system)
    try system.close()
    try FileManager.default.removeItem(atPath: path)
  }

  private static func flushedRate(_ system: PrevalentSystem<Bank>) throws -> Double {
    let each = 2000
    let seconds = try Recorder.seconds {
      try Threads.run(4) { thread in
        for number in 0..<each {
          try system.execute(Deposit(account: thread, amount: number), durability: .synced)
        }
      }
    }
    return Double(4 * each) / seconds
  }

  private mutating func measureImage(_ system: PrevalentSystem<Bank>) throws {
    let latencies = try Latencies.measured {
      try system.writeImage()
    } meanwhile: { number in
      try system.execute(Deposit(account: number % 1000, amount: 1), durability: .manual)
    }
    figures[.longestDuringImage] = latencies.percentile(1) * 1e6
  }

  private mutating func measureQueries(_ system: PrevalentSystem<Bank>) throws {
    let latencies = try Latencies.measured {
      for number in 0..<100_000 {
        try system.execute(Deposit(account: number % 1000, amount: 1), durability: .manual)
      }
    } meanwhile: { number in
      guard try system.query({ $0.balances[number % 1000] }) > 0 else {
        throw BenchmarkFailure("the system has lost commands")
      }
    }
    figures[.longestQuery] = latencies.percentile(0.999) * 1e6
  }
}

/// Balances by account.
private struct Bank: Codable, Sendable {
  var balances: [Int]

  init(accounts: Int) {
    balances = [Int](repeating: 0, count: accounts)
  }
}

/// Adds to a balance.
private struct Deposit: Command, Codable {
  var account: Int
  var amount: Int

  func execute(on model: inout Bank, in context: inout CommandContext) -> Int {
    model.balances[account] += amount
    return model.balances[account]
  }
}
