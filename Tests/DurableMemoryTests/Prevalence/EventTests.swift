// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import Foundation
import StorageEngine
import TestSupport
import Testing

/// Events, vetoes and other hooks.
struct EventTests {
  @Test
  func
    `events come once, in order, as one group for each command, and not at a replay (P135, P137, P138)`()
    throws
  {
    let groups = SharedList<(UInt64, [String])>()
    try withBank(adjust: { options in
      options.onEvents = { number, events in
        groups.append((number, events.map { "\($0)" }))
      }
    }) { bank in
      for (index, count) in [1, 0, 2, 4].enumerated() {
        try bank.system.execute(Note(text: "\(index)", events: count))
      }
      let expected: [(UInt64, [String])] = [
        (1, ["0 0"]), (3, ["2 0", "2 1"]), (4, ["3 0", "3 1", "3 2", "3 3"]),
      ]
      #expect(groups.elements.map(\.0) == expected.map(\.0))
      #expect(groups.elements.map(\.1) == expected.map(\.1))
      _ = try bank.model
      try bank.kill()
      #expect(try bank.model.notes.count == 4)
      #expect(groups.elements.count == 3)
    }
  }

  @Test
  func `events come when the command is durable, and of commands that fail not at all (P137)`()
    throws
  {
    let groups = SharedList<UInt64>()
    try withBank(adjust: { options in
      options.onEvents = { number, _ in groups.append(number) }
    }) { bank in
      bank.registry.register(EmitAndThrow.self)
      try bank.reopen()
      let first = try bank.system.submit(Note(text: "1", events: 1))
      let second = try bank.system.submit(Note(text: "2", events: 1))
      #expect(groups.elements.isEmpty)
      #expect(throws: BankError.broken) { try bank.system.execute(EmitAndThrow()) }
      try second.wait()
      #expect(groups.elements == [1, 2])
      try first.wait()
      #expect(groups.elements == [1, 2])
    }
  }

  @Test func `who is told of an event may execute a command, whose events come afterwards (P137)`()
    throws
  {
    let groups = SharedList<UInt64>()
    let target = Guarded<PrevalentSystem<Bank>?>(nil)
    try withBank(adjust: { options in
      options.onEvents = { number, _ in
        groups.append(number)
        if number < 5, let system = target.withLock({ $0 }) {
          _ = try? system.execute(Note(text: "n", events: 1))
        }
      }
    }) { bank in
      target.withLock { $0 = bank.system }
      try bank.system.execute(Note(text: "n", events: 1))
      #expect(groups.elements == [1, 2, 3, 4, 5])
      target.withLock { $0 = nil }
    }
  }

  @Test(arguments: [false, true])
  func `who is told of an event may query, whoever has waited for the command (P137)`(
    byImage: Bool
  ) throws {
    let target = Guarded<PrevalentSystem<Bank>?>(nil)
    let seen = SharedList<Int>()
    let bank = try BankStore { options in
      options.onEvents = { _, _ in
        guard let system = target.withLock({ $0 }) else { return }
        if let count = try? system.query({ $0.notes.count }) { seen.append(count) }
      }
    }
    let system = bank.system
    target.withLock { $0 = system }
    defer { target.withLock { $0 = nil } }
    _ = try system.submit(Note(text: "1", events: 1))
    let isDone = DispatchSemaphore(value: 0)
    let thread = Thread {
      if byImage { _ = try? system.writeImage() } else { _ = try? system.query { $0.notes.count } }
      isDone.signal()
    }
    thread.start()
    guard isDone.wait(timeout: .now() + 20) == .success else {
      throw TestFailure("the one who tells waits for himself")
    }
    #expect(seen.elements == [1])
    try bank.finish()
  }

  @Test func `what is told of is durable, whoever waits for it (P135, P137)`() async throws {
    let disk = SimulatedDisk()
    let told = SharedList<(number: UInt64, left: UInt64)>()
    let bank = try BankStore(on: disk) { options in
      options.onEvents = { number, _ in
        let left = try? BankStore(opening: disk.crashed(.loseAll)).system.lastCommand
        told.append((number, left ?? 0))
      }
    }
    let system = bank.system
    try execute(system)
    _ = try system.submit(Note(text: "2", events: 1))
    try system.submit(Note(text: "3", events: 2)).wait()
    _ = try system.submit(Note(text: "4", events: 1))
    try system.flush()
    try await system.execute(Note(text: "5", events: 1))
    try await system.submit(Note(text: "6", events: 1)).settled()
    _ = try system.submit(Note(text: "7", events: 1))
    #expect(try bank.model.notes.count == 7)
    #expect(told.elements.map(\.number) == Array(1...7))
    for (number, left) in told.elements { #expect(number <= left) }
    try bank.finish()
  }

  /// Not the asynchronous form.
  private func execute(_ system: PrevalentSystem<Bank>) throws {
    try system.execute(Note(text: "1", events: 1))
  }

  @Test func `events of many threads come in the order of the commands (P135)`() throws {
    let groups = SharedList<UInt64>()
    try withBank(adjust: { $0.onEvents = { number, _ in groups.append(number) } }) { bank in
      let system = bank.system
      try runThreads(8) { _ in
        for _ in 0..<50 { try system.execute(Note(text: "n", events: 1)) }
      }
      #expect(groups.elements == Array(1...400))
    }
  }

  @Test func `the veto hook refuses a command, by rules or all of them (P136, P157)`() throws {
    try withBank(adjust: { options in
      options.veto = { command, context in
        // Denied unless it is allowed.
        switch command {
        case is Note: return
        case let deposit as Deposit where deposit.amount > 0: return
        default: throw BankError.broken
        }
      }
    }) { bank in
      try bank.system.execute(Note(text: "1"))
      try bank.system.execute(Deposit(account: "a", amount: 1))
      #expect(throws: PrevalenceError.refused(name: "Deposit", reason: "broken")) {
        try bank.system.execute(Deposit(account: "a", amount: -1))
      }
      #expect(throws: PrevalenceError.refused(name: "Reverse", reason: "broken")) {
        try bank.system.execute(Reverse())
      }
      #expect(bank.system.lastCommand == 2)
      #expect(try bank.model == Bank(accounts: ["a": 1], notes: ["1"]))
      #expect(try bank.journal == [1, 2])
    }
  }

  @Test func `the hook after a restore is called once, with what was restored (P139)`() throws {
    let calls = SharedList<UInt64>()
    try withBank(adjust: {
      $0.onRestored = { model, number in
        if model.notes.count == Int(number) { calls.append(number) }
      }
    }) { bank in
      #expect(calls.elements == [0])
      for _ in 0..<3 { try bank.system.execute(Note(text: "n")) }
      try bank.kill()
      #expect(calls.elements == [0, 3])
      _ = try bank.model
      #expect(calls.elements == [0, 3])
    }
  }

  @Test func `the context belongs to one execution, also after an error (P92, P132)`() throws {
    try withBank { bank in
      #expect(throws: BankError.notEnough) {
        try bank.system.execute(Transfer(from: "a", to: "b", amount: 1))
      }
      let word = try bank.system.execute(Stamp())
      #expect(try bank.model.words == [word])
      #expect(try bank.system.entries(after: 0).map(\.number) == [1])
    }
  }
}

struct EmitAndThrow: Command, Codable {
  func execute(on model: inout Bank, in context: inout CommandContext) throws {
    context.emit("never")
    throw BankError.broken
  }
}
