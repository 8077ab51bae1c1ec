// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import Synchronization
import TestSupport
import Testing

/// What queries see, and that they hold up nobody.
struct QueryTests {
  @Test
  func `a command while a view is held goes through, and the view stays as it is (P8, P149, P202)`()
    throws
  {
    try withBank { bank in
      try bank.system.execute(Note(text: "1"))
      let view = try bank.system.view()
      for number in 2...50 {
        try bank.system.execute(Note(text: "\(number)"), durability: .manual)
        #expect(try bank.model.notes.count == number)
      }
      #expect(view.model.notes == ["1"])
      #expect(view.moment.number == 1)
      try bank.system.query { model in
        try bank.system.execute(Note(text: "inside"))
        #expect(model.notes.count == 50)
      }
      #expect(try bank.model.notes.count == 51)
    }
  }

  @Test
  func
    `what a query does to its model is forgotten, and it is not in the journal (P45, P85, P122)`()
    throws
  {
    try withBank { bank in
      try bank.system.execute(Note(text: "1"))
      try bank.system.query { model in
        var model = model
        model.notes.append("query")
      }
      #expect(try bank.model.notes == ["1"])
      #expect(bank.system.lastCommand == 1)
      #expect(try bank.journal == [1])
    }
  }

  @Test
  func `a flush under way holds up no query, which does not see what is not durable (P201, P209)`()
    throws
  {
    try withBank(adjust: { $0.keepsSecondCopy = true }) { bank in
      let system = bank.system
      try system.execute(Note(text: "1"))
      // Executed, and waiting for the disk for as long as nobody waits for it.
      let pending = try system.submit(Note(text: "2"))
      for _ in 0..<100 { #expect(try system.query { $0.notes } == ["1"]) }
      #expect(try system.queryBetweenCommands { model, _ in model.notes } == ["1", "2"])
      try pending.wait()
      #expect(try system.query { $0.notes } == ["1", "2"])
    }
  }

  @Test func `without a second copy the first query waits for what is under way (P201)`() throws {
    try withBank { bank in
      let pending = try bank.system.submit(Note(text: "1"))
      #expect(try bank.model.notes == ["1"])
      try pending.wait()
      let second = try bank.system.submit(Note(text: "2"))
      // There is a copy now that was looked at.
      let view = try bank.system.view()
      let third = try bank.system.submit(Note(text: "3"))
      #expect(view.model.notes.count == 2)
      #expect(try bank.model.notes.count == 2)
      try third.wait()
      try second.wait()
      #expect(try bank.model.notes.count == 3)
    }
  }

  @Test func `a copy of which another is being made is taken by nobody (P201)`() throws {
    let gallery = ModelGallery()
    let copy = ModelCopy(Bank(notes: ["1"]), number: 1, time: 0)
    gallery.show(copy, number: 1, time: 0, reading: true)
    guard case .fork(let newest) = gallery.choose() else {
      Issue.record("it was read")
      return
    }
    #expect(newest === copy)
    gallery.endReading(copy)
    #expect(gallery.takeForRollback()?.isAlone == false)
    #expect(PrevalentSystem<Bank>.model(of: newest)?.notes == ["1"])
  }

  @Test(arguments: [false, true])
  func `after a command that throws queries do not see what is not durable (P89, P209)`(
    keepsSecondCopy: Bool
  ) throws {
    try withBank(adjust: { $0.keepsSecondCopy = keepsSecondCopy }) { bank in
      func fail() {
        #expect(throws: BankError.notEnough) {
          try bank.system.execute(Transfer(from: "a", to: "b", amount: 1))
        }
      }
      for round in 0..<3 {
        try bank.system.execute(Note(text: "durable"))
        for _ in 0...round {
          _ = try bank.system.submit(Note(text: "perhaps"))
          fail()
        }
        let (seen, notes) = try bank.system.query { model, moment in (moment.number, model.notes) }
        fail()
        try bank.crash(.loseAll)
        #expect(bank.system.lastCommand >= seen)
        #expect(try bank.model.notes.starts(with: notes))
      }
    }
  }

  @Test func `queries between commands do not make the model be copied (P123)`() throws {
    try withBank { bank in
      for number in 1...200 {
        try bank.system.execute(Note(text: "\(number)"), durability: .manual)
        #expect(try bank.system.query { $0.notes.count } == number)
      }
      let tally = bank.system.tally
      #expect(tally.shares.load(ordering: .relaxed) == 200)
      #expect(tally.advances.load(ordering: .relaxed) == 0)
      #expect(tally.forks.load(ordering: .relaxed) == 0)
    }
  }

  @Test func `two queries run at the same time, and both beside a command (P123, P201)`() throws {
    try withBank { bank in
      let system = bank.system
      let inside = Guarded(0)
      let isDone = Guarded(false)
      try runThreads(3) { thread in
        if thread == 2 {
          while inside.withLock({ $0 }) < 2 {}
          try system.execute(Note(text: "1"))
          isDone.withLock { $0 = true }
        } else {
          try system.query { model in
            inside.withLock { $0 += 1 }
            while !isDone.withLock({ $0 }) {}
            guard model.notes.isEmpty else { throw TestFailure("the view changed") }
          }
        }
      }
    }
  }

  @Test(arguments: [false, true])
  func `readers in a tight loop see whole states in order while commands go on (P129, P201, P209)`(
    keepsSecondCopy: Bool
  ) throws {
    try withBank(adjust: { $0.keepsSecondCopy = keepsSecondCopy }) { bank in
      let system = bank.system
      for account in 0..<50 {
        try system.execute(Deposit(account: "\(account)", amount: 100), durability: .manual)
      }
      let isDone = Guarded(false)
      try runThreads(4) { thread in
        if thread == 0 {
          defer { isDone.withLock { $0 = true } }
          var random = SplitMix64(seed: TestEnvironment.seed)
          for _ in 0..<20_000 {
            let transfer = Transfer(
              from: "\(random.below(50))", to: "\(random.below(50))", amount: random.below(50))
            do {
              try system.execute(transfer, durability: .manual)
            } catch BankError.notEnough {}
          }
        } else {
          var last: UInt64 = 0
          while !isDone.withLock({ $0 }) {
            try system.query { model, moment in
              guard model.total == 5000 else { throw TestFailure("a total of \(model.total)") }
              guard moment.number >= last else { throw TestFailure("back to \(moment.number)") }
              guard UInt64(model.notes.count) == 2 * (moment.number - 50) else {
                throw TestFailure("\(model.notes.count) notes at \(moment.number)")
              }
              last = moment.number
            }
          }
        }
      }
      // Copies are bounded, however many queries there were.
      #expect(bank.system.gallery.count <= 2)
    }
  }

  @Test
  func `a copy that nobody asks for is given up, and the journal in memory stays short (P202)`()
    throws
  {
    try withBank { bank in
      let system = bank.system
      try system.execute(Note(text: "n"), durability: .manual)
      let view = try system.view()
      for number in 0..<40_000 {
        try system.execute(Deposit(account: "\(number % 10)", amount: 1), durability: .manual)
      }
      #expect(view.model.notes == ["n"])
      #expect(system.gallery.count == 0)
      #expect(try bank.model.total == 40_000)
      try bank.database.checkpoint()
      try system.lookAtStore()
      #expect(system.working.withLock { $0.recent.byteCount } < 1 << 20)
    }
  }

  @Test func `a second copy that is to be kept catches up by itself (P201)`() throws {
    try withBank(adjust: { $0.keepsSecondCopy = true }) { bank in
      let system = bank.system
      for number in 0..<60_000 {
        try system.execute(Deposit(account: "\(number % 10)", amount: 1), durability: .manual)
        if number % 20_000 == 0 {
          let oldest = try #require(system.gallery.oldest)
          #expect(system.lastCommand - oldest <= 18_000)
        }
      }
      let tally = system.tally
      #expect(tally.advances.load(ordering: .relaxed) == 3)
      #expect(tally.shares.load(ordering: .relaxed) == 0)
      #expect(tally.forks.load(ordering: .relaxed) == 0)
      #expect(try bank.model.total == 60_000)
    }
  }

  @Test func `of long commands no more is in memory than of short ones (P202)`() throws {
    try withBank(adjust: { $0.durability = .manual }) { bank in
      var most = 0
      for number in 0..<24 {
        try bank.system.execute(
          LongText(text: [UInt8](repeating: UInt8(number), count: 1 << 20)))
        try bank.database.checkpoint()
        most = max(most, bank.system.working.withLock { $0.recent.byteCount })
      }
      #expect(most < 12 << 20, "\(most) bytes")
      #expect(try bank.system.entries(after: 0).count == 24)
    }
  }

  @Test func `tasks query and execute without holding up their threads (P9, P83)`() async throws {
    let bank = try BankStore()
    let system = bank.system
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<100 {
        group.addTask {
          let count = try await system.execute(Deposit(account: "a", amount: 1))
          #expect(count >= 1)
          let seen = try await system.query { model in
            await Task.yield()
            return model.accounts["a"] ?? 0
          }
          guard seen >= count else { throw TestFailure("\(seen) after \(count), task \(number)") }
        }
      }
      try await group.waitForAll()
    }
    #expect(try bank.model.accounts == ["a": 100])
    // A cancelled task: the command is there whole.
    let task = Task { try await system.execute(Transfer(from: "a", to: "b", amount: 40)) }
    task.cancel()
    _ = await task.result
    try await system.execute(Note(text: "next"))
    #expect(try bank.model.total == 100)
    #expect(try bank.model.accounts == ["a": 60, "b": 40])
    try bank.finish()
  }
}
