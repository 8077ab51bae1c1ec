// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import Foundation
import StorageEngine
import Workloads

/// One run of a durable map, in a process of its own: keys of 8 bytes, values of 100.
struct MapMeasurement {
  /// What is measured.
  enum Figure: String, CaseIterable {
    case floor = "flush floor"
    case set = "set, in memory until the next flush, 1 thread"
    case setWritten = "set, handed to the system, 1 thread"
    case setOnEightThreads = "set, in memory until the next flush, 8 threads"
    case setDuringCompaction = "set while the store is compacted, p99.99"
    case longestSet = "set while the store is compacted, the longest"
    case flushedSet = "flushed set, 1 thread, median"
    case flushedSetsOfFour = "flushed sets, 4 threads"
    case flushedSetsOfEight = "flushed sets, 8 threads"
    case get = "get, lent, random, 1 thread"
    case getOnTwoThreads = "get, lent, random, 2 threads"
    case overhead = "memory for a byte of keys and values"
    case reopen = "entries read at reopening"

    var unit: String {
      switch self {
      case .floor, .flushedSet, .setDuringCompaction, .longestSet: "µs"
      case .overhead: "B"
      default: "/s"
      }
    }
  }

  private static let valueBytes = 100
  private static let setsEach = 2000
  private typealias Map = DurableMap<UInt64, [UInt8]>

  let folder: String
  let entries: Int
  private(set) var figures: [Figure: Double] = [:]

  mutating func measure() throws {
    let floor = try FlushFloor.median(at: folder + "/floor")
    figures[.floor] = floor * 1e6
    let path = folder + "/map.store"
    try fill(path)
    try reopen(path)
    try FileManager.default.removeItem(atPath: path)
  }

  private mutating func fill(_ path: String) throws {
    let database = try Database.create(at: path)
    let map = try Map(named: "measured", in: database)
    try measureSets(map, database)
    try measureFlushedSets(map)
    try measureGets(map)
    let metrics = try map.metrics()
    figures[.overhead] = Double(metrics.memoryBytes) / Double(metrics.payloadBytes)
    map.close()
    try database.close()
  }

  /// The key of that number: far from those of its neighbours.
  private static func place(_ number: UInt64) -> UInt64 { number &* 0x9E37_79B9_7F4A_7C15 }

  private static func value(_ key: UInt64) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: key), count: valueBytes)
  }

  // MARK: Changing

  private mutating func measureSets(_ map: Map, _ database: Database) throws {
    let count = entries
    let first = try Recorder.seconds {
      for key in 0..<UInt64(count) {
        try map.set(Self.place(key), Self.value(key), durability: .manual)
      }
      try map.flush()
    }
    figures[.set] = Double(count) / first
    let written = min(count, 200_000)
    figures[.setWritten] =
      Double(written)
      / (try Recorder.seconds {
        for key in 0..<UInt64(written) {
          try map.set(Self.place(key), Self.value(key + 1), durability: .written)
        }
      })
    let each = count / 8
    figures[.setOnEightThreads] =
      Double(8 * each)
      / (try Recorder.seconds {
        try Threads.run(8) { thread in
          for key in UInt64(thread * each)..<UInt64((thread + 1) * each) {
            try map.set(Self.place(key), Self.value(key + 2), durability: .manual)
          }
        }
        try map.flush()
      })
    let latencies = try Self.setsDuringCompaction(map, database, count)
    figures[.setDuringCompaction] = latencies.percentile(0.9999) * 1e6
    figures[.longestSet] = latencies.percentile(1) * 1e6
  }

  private static func setsDuringCompaction(
    _ map: Map, _ database: Database, _ count: Int
  ) throws -> Latencies {
    try Latencies.measured(atLeast: 100_000) {
      for _ in 0..<3 { _ = try database.compact() }
    } meanwhile: { number in
      let key = UInt64(number)
      try map.set(place(key % UInt64(count)), value(key + 3), durability: .manual)
    }
  }

  private mutating func measureFlushedSets(_ map: Map) throws {
    var latencies = Latencies()
    for key in 0..<UInt64(Self.setsEach) {
      let value = Self.value(key + 4)
      try latencies.add { try map.set(Self.place(key), value, durability: .synced) }
    }
    figures[.flushedSet] = latencies.percentile(0.5) * 1e6
    figures[.flushedSetsOfFour] = try Self.flushedRate(map, threads: 4)
    figures[.flushedSetsOfEight] = try Self.flushedRate(map, threads: 8)
  }

  private static func flushedRate(_ map: Map, threads: Int) throws -> Double {
    let seconds = try Recorder.seconds {
      try Threads.run(threads) { thread in
        for key in 0..<UInt64(setsEach) {
          try map.set(place(key &* 8 &+ UInt64(thread)), value(key + 5), durability: .synced)
        }
      }
    }
    return Double(threads * setsEach) / seconds
  }

  // MARK: Reading

  private mutating func measureGets(_ map: Map) throws {
    figures[.get] = try Self.getRate(map, entries, threads: 1)
    figures[.getOnTwoThreads] = try Self.getRate(map, entries, threads: 2)
  }

  private static func getRate(_ map: Map, _ count: Int, threads: Int) throws -> Double {
    let each = 4_000_000
    let found = Shared(0)
    let seconds = try Recorder.seconds {
      try Threads.run(threads) { thread in
        var random = SplitMix64(state: UInt64(thread))
        var own = 0
        for _ in 0..<each {
          let key = place(random.next() % UInt64(count))
          own += try map.withValue(for: key) { $0.count } ?? 0
        }
        let all = own
        found.withLock { $0 += all }
      }
    }
    guard found.withLock({ $0 }) == threads * each * valueBytes else {
      throw BenchmarkFailure("the map has lost entries")
    }
    return Double(threads * each) / seconds
  }

  private mutating func reopen(_ path: String) throws {
    let seconds = try Recorder.seconds {
      let database = try Database.open(at: path)
      let map = try Map(named: "measured", in: database)
      guard map.count == entries else { throw BenchmarkFailure("the map has lost entries") }
      map.close()
      try database.close()
    }
    figures[.reopen] = Double(entries) / seconds
  }
}
