// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// States of the past, and replicas.
struct HistoryTests {
  @Test func `the state after each command and at each time can be made (P216)`() throws {
    try withBank { bank in
      for number in 1...10 {
        try bank.system.execute(Note(text: "\(number)"))
        if number == 4 { try bank.system.writeImage() }
        if number == 7 { try bank.database.checkpoint() }
      }
      for number in 0...10 {
        let past = try bank.system.past(.command(UInt64(number)))
        #expect(past.model.notes == (0..<number).map { "\($0 + 1)" })
        #expect(past.moment.number == UInt64(number))
        // The clock began with 1000.
        #expect(try bank.system.past(.time(UInt64(999 + number))).moment.number == UInt64(number))
      }
      #expect(try bank.system.past(.end).moment.number == 10)
      #expect(throws: PrevalenceError.outOfHistory(oldest: 0, newest: 10)) {
        _ = try bank.system.past(.command(11))
      }
      try bank.system.writeImage()
      #expect(throws: PrevalenceError.outOfHistory(oldest: 4, newest: 10)) {
        _ = try bank.system.past(.command(3))
      }
      #expect(try bank.system.past(.command(5)).model.notes.count == 5)
      try bank.system.close()
      #expect(
        try PrevalentSystem.past(.command(6), in: bank.database, .bank, options: bank.options)
          .model.notes.count == 6)
      try bank.openSystem()
    }
  }

  @Test func `what an image has and the pages do not have yet is still there (P146, P216)`()
    throws
  {
    try withBank { bank in
      for number in 1...10 { try bank.system.execute(Note(text: "\(number)")) }
      try bank.system.writeImage()
      try bank.system.lookAtStore()
      #expect(try bank.system.entries(after: 0).map(\.number) == Array(1...10))
      #expect(try bank.system.past(.command(4)).model.notes.count == 4)
      #expect(try bank.system.past(.time(1003)).moment.number == 4)
      try bank.database.checkpoint()
      try bank.system.lookAtStore()
      #expect(bank.system.working.withLock { $0.recent.floor } == 10)
      #expect(try bank.system.entries(after: 0).map(\.number) == Array(1...10))
      #expect(try bank.system.past(.command(4)).model.notes.count == 4)
      #expect(try bank.system.past(.time(1003)).moment.number == 4)
    }
  }

  @Test func `an entry that nobody will ever write is out of the history (P146)`() throws {
    try withBank { bank in
      try bank.system.execute(Note(text: "1"))
      #expect(throws: PrevalenceError.outOfHistory(oldest: 0, newest: 1)) {
        _ = try bank.system.entries(after: .max)
      }
    }
  }

  @Test func `an entry of an earlier time than the last one is refused (P91, P159)`() throws {
    let time = Guarded<UInt64>(5000)
    let source = try BankStore { $0.clock = { time.withLock { $0 } } }
    for number in 1...2 { try source.system.execute(Note(text: "\(number)")) }
    try withBank(adjust: { $0.clock = { 9000 } }) { bank in
      try bank.system.execute(Note(text: "1"))
      let entry = try source.system.entries(after: 1)[0]
      #expect {
        try bank.system.follow(entry)
      } throws: { error in
        guard case PrevalenceError.damagedEntry(2, _) = error else { return false }
        return true
      }
      #expect(bank.system.failure == nil)
      try bank.system.execute(Stamp())
      #expect(try bank.model.times == [9000])
    }
    try source.finish()
  }

  @Test
  func `an entry that is refused and cannot be undone ends the system (P50, P121, P159)`() throws {
    let source = try BankStore()
    for number in 1...2 { try source.system.execute(Note(text: "\(number)")) }
    let failures = SharedList<PrevalenceError>()
    let bank = try BankStore { $0.onFailure = { failures.append($0) } }
    try bank.reopen(registry: CommandRegistry(Impure.self, Deposit.self))
    try bank.system.execute(Impure(throwsAtReplay: true))
    let entry = try source.system.entries(after: 1)[0]
    #expect(throws: PrevalenceError.self) { try bank.system.follow(entry) }
    #expect(throws: PrevalenceError.self) {
      try bank.system.execute(Deposit(account: "a", amount: 1))
    }
    #expect(bank.system.failure != nil)
    #expect(failures.elements.count == 1)
    try bank.system.close()
    var calm = CommandRegistry<Bank>(Note.self)
    calm.upgrade("Impure", version: 1, from: Impure.self) { _ in Note(text: "calm") }
    bank.registry = calm
    try bank.openSystem()
    #expect(try bank.model.notes == ["calm"])
    try bank.finish()
    try source.finish()
  }

  private func follow(_ source: BankStore, by follower: BankStore) throws {
    for entry in try source.system.entries(after: follower.system.lastCommand) {
      try follower.system.follow(entry)
    }
  }

  @Test
  func
    `replicas reach the same number and state, in turn, after a restart, through a chain (P71, P73, P75, P162, P163)`()
    throws
  {
    let options: (inout PrevalentOptions<Bank>) -> Void = { $0.hashInterval = 1 }
    let source = try BankStore(adjust: options)
    let replicas = try (0..<3).map { _ in try BankStore(adjust: options) }
    for round in 0..<6 {
      try source.system.execute(Stamp())
      try source.system.execute(Deposit(account: "\(round)", amount: round))
      #expect(throws: BankError.notEnough) {
        try source.system.execute(Transfer(from: "0", to: "1", amount: 100))
      }
      try follow(source, by: replicas[0])
      // The chain, one of whose members is away for a while.
      if round != 2 { try follow(replicas[0], by: replicas[1]) }
      if round == 3 { try replicas[1].reopen() }
      try follow(replicas[1], by: replicas[2])
    }
    let model = try source.model
    for replica in replicas {
      #expect(try replica.model == model)
      #expect(replica.system.lastCommand == source.system.lastCommand)
      #expect(try replica.system.entries(after: 0) == source.system.entries(after: 0))
      try replica.finish()
    }
    try source.finish()
  }

  @Test func `an entry that comes twice or too early is refused, and changes nothing (P74, P159)`()
    throws
  {
    let (source, follower) = (try BankStore(), try BankStore())
    for number in 1...3 { try source.system.execute(Note(text: "\(number)")) }
    let entries = try source.system.entries(after: 0)
    try follower.system.follow(entries[0])
    #expect(throws: PrevalenceError.gap(expected: 2, found: 1)) {
      try follower.system.follow(entries[0])
    }
    #expect(throws: PrevalenceError.gap(expected: 2, found: 3)) {
      try follower.system.follow(entries[2])
    }
    #expect(try follower.model.notes == ["1"])
    try follower.system.follow(entries[1])
    try follower.system.follow(entries[2])
    #expect(try follower.model == source.model)
    try follower.finish()
    try source.finish()
  }

  @Test func `a replica that differs is revealed by the hash (P220)`() throws {
    let source = try BankStore { $0.hashInterval = 1 }
    let follower = try BankStore(initial: Bank(notes: ["other"])) { $0.hashInterval = 1 }
    try source.system.execute(Note(text: "1"))
    #expect {
      try follower.system.follow(try source.system.entries(after: 0)[0])
    } throws: { error in
      guard case PrevalenceError.diverged("Note", 1, _) = error else { return false }
      return true
    }
    try source.finish()
    let stranger = try BankStore { $0.seed = 99 }
    #expect(throws: PrevalenceError.self) {
      try stranger.system.follow(try BankStore.entry())
    }
    try stranger.finish()
  }
}

extension BankStore {
  /// An entry of a system with the usual seed.
  static func entry() throws -> JournalEntry {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "1"))
    defer { try? bank.finish() }
    return try bank.system.entries(after: 0)[0]
  }
}
