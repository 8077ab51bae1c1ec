// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Commands that do not do the same twice, and hashes that show it.
struct DeterminismTests {
  @Test
  func
    `a replay that gives another state is refused and names the command (P46, P48, P103, P104, P220)`()
    throws
  {
    let bank = try BankStore { $0.hashInterval = 1 }
    try bank.system.execute(Note(text: "1"))
    try bank.system.execute(Impure())
    try bank.system.execute(Note(text: "3"))
    for _ in 0..<2 {
      #expect {
        try bank.reopen()
      } throws: { error in
        guard case PrevalenceError.diverged("Impure", 2, _) = error else { return false }
        return true
      }
      bank.reopenDatabase()
    }
    // The files are as they were: with an image after it, everything is there.
    #expect(
      try PrevalentSystem.past(.command(1), in: bank.database, .bank, options: bank.options)
        .model.notes == ["1"])
    try bank.database.close()
  }

  @Test func `a hash every so many commands finds the difference at the next one (P104)`() throws {
    let bank = try BankStore { $0.hashInterval = 4 }
    for number in 1...10 {
      if number == 6 { try bank.system.execute(Impure()) } else { try bank.system.execute(Stamp()) }
    }
    #expect {
      try bank.reopen()
    } throws: { error in
      guard case PrevalenceError.diverged("Stamp", 8, _) = error else { return false }
      return true
    }
  }

  @Test
  func
    `a command that throws at its second execution freezes the system (P50, P51, P52, P70, P121)`()
    throws
  {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "1"))
    let view = try bank.system.view()
    try bank.system.execute(Impure(throwsAtReplay: true))
    // The copy that queries look at is brought up to date by executing the command again.
    #expect {
      try bank.system.query { _ in }
    } throws: { error in
      guard case PrevalenceError.diverged("Impure", 2, _) = error else { return false }
      return true
    }
    #expect(view.model.notes == ["1"])
    let refusals: [() throws -> Void] = [
      { try bank.system.execute(Note(text: "refused")) },
      { try bank.system.query { _ in } },
      { try bank.system.queryBetweenCommands { _, _ in } },
      { try bank.system.writeImage() },
      { try bank.system.flush() },
    ]
    for refusal in refusals { #expect(throws: PrevalenceError.self, performing: refusal) }
    // What was journaled is executed at the next opening, here without the error; what was refused is
    // not there.
    try? bank.system.close()
    var calm = CommandRegistry<Bank>()
    calm.register(Note.self)
    calm.upgrade("Impure", version: 1, from: Impure.self) { _ in Note(text: "calm") }
    bank.registry = calm
    try bank.openSystem()
    #expect(try bank.model.notes == ["1", "calm"])
    try bank.finish()
  }

  @Test func `no command that has waited for one that fails for good is executed (P50, P121)`()
    throws
  {
    for _ in 0..<30 {
      let bank = try BankStore()
      let system = bank.system
      try system.execute(Impure(throwsAtReplay: true))
      try runThreads(4) { thread in
        do {
          if thread == 0 {
            try system.execute(Transfer(from: "a", to: "b", amount: 1))
          }
          for _ in 0..<1000 {
            let note = try system.submit(Note(text: "n"), durability: .manual)
            guard note.number == UInt64(note.result) + 1 else {
              throw TestFailure("command \(note.number) is note \(note.result)")
            }
          }
        } catch is PrevalenceError {}
      }
      #expect(system.failure != nil)
      try system.close()
      #expect(try bank.database.check().isIntact)
      try bank.database.close()
    }
  }

  @Test func `a copy with another state is found while the system runs (P220)`() throws {
    let bank = try BankStore { options in
      options.hashInterval = 1
      options.keepsSecondCopy = true
    }
    try bank.system.execute(Note(text: "1"))
    try bank.system.execute(Impure())
    #expect {
      try bank.system.query { _ in }
    } throws: { error in
      guard case PrevalenceError.diverged("Impure", 2, _) = error else { return false }
      return true
    }
    #expect(bank.system.failure != nil)
  }

  @Test func `equal models have equal hashes, whatever the order of their dictionaries (P220)`()
    throws
  {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for _ in 0..<100 {
      let keys = (0..<random.below(40)).map { "\($0)" }
      var (first, second) = (Bank(), Bank())
      for key in keys { first.accounts[key] = key.count }
      second.accounts.reserveCapacity(1000)
      for key in keys.reversed() { second.accounts[key] = key.count }
      #expect(try StateHash.hash(of: first) == StateHash.hash(of: second))
      first.accounts["x"] = 1
      #expect(try StateHash.hash(of: first) != StateHash.hash(of: second))
    }
  }
}
