// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import Synchronization
import TestSupport
import Testing

/// Commands that throw, at every place where they can.
struct RollbackTests {
  @Test(arguments: [false, true])
  func
    `a command that changes and then throws leaves no trace, live and after opening again (P67, P89, P102, P148, P158, P187)`(
      keepsSecondCopy: Bool
    ) throws
  {
    try withBank(adjust: { $0.keepsSecondCopy = keepsSecondCopy }) { bank in
      try bank.system.execute(Deposit(account: "a", amount: 5))
      let before = try bank.model
      for _ in 0..<3 {
        #expect(throws: BankError.notEnough) {
          try bank.system.execute(Transfer(from: "a", to: "b", amount: 6))
        }
        #expect(try bank.system.queryBetweenCommands { model, _ in model } == before)
        #expect(try bank.model == before)
      }
      #expect(bank.system.lastCommand == 1)
      try bank.kill()
      #expect(try bank.model == before)
      // The same command succeeds once its cause is gone.
      try bank.system.execute(Deposit(account: "a", amount: 1))
      try bank.system.execute(Transfer(from: "a", to: "b", amount: 6))
      #expect(try bank.model.accounts == ["a": 0, "b": 6])
      #expect(try bank.journal == [1, 2, 3])
    }
  }

  @Test func `ten threads of commands that throw from the sixth on change nothing with them (P69)`()
    throws
  {
    try withBank { bank in
      let system = bank.system
      try system.execute(Deposit(account: "a", amount: 5))
      try runThreads(10) { _ in
        for _ in 0..<20 {
          do {
            try system.execute(Transfer(from: "a", to: "b", amount: 1), durability: .manual)
          } catch BankError.notEnough {}
          let seen = try system.query { $0 }
          guard seen.total == 5, seen.accounts["a"].map({ $0 >= 0 }) == true else {
            throw TestFailure("seen: \(seen.accounts)")
          }
        }
      }
      #expect(try bank.model.accounts == ["a": 0, "b": 5])
      #expect(system.lastCommand == 6)
      #expect(try bank.model.notes.count == 10)
    }
  }

  @Test func `commands need neither a second copy of the model nor a second execution (P213)`()
    throws
  {
    let executions = Guarded(0)
    try Counted.withCounter(executions) {
      try withBank { bank in
        bank.registry.register(Counted.self)
        try bank.reopen()
        for _ in 0..<100 { try bank.system.execute(Counted(), durability: .manual) }
        #expect(executions.withLock { $0 } == 100)
        #expect(bank.system.gallery.count == 0)
        // What `validate` refuses is not undone, for nothing was done.
        for _ in 0..<100 {
          #expect(throws: BankError.noAccount("x")) { try bank.system.execute(Close(account: "x")) }
        }
        let tally = bank.system.tally
        #expect(tally.rollbacksFromStore.load(ordering: .relaxed) == 0)
        #expect(tally.rollbacksFromCopy.load(ordering: .relaxed) == 0)
        #expect(executions.withLock { $0 } == 100)
      }
    }
  }

  @Test
  func `after the first rollback that had to read the store a copy is kept for the next (P213)`()
    throws
  {
    try withBank { bank in
      let tally = bank.system.tally
      for round in 1...10 {
        try bank.system.execute(Deposit(account: "a", amount: 1), durability: .manual)
        #expect(throws: BankError.notEnough) {
          try bank.system.execute(Transfer(from: "a", to: "b", amount: 100))
        }
        #expect(tally.rollbacksFromStore.load(ordering: .relaxed) == 1)
        #expect(tally.rollbacksFromCopy.load(ordering: .relaxed) == round - 1)
      }
      #expect(try bank.model.accounts == ["a": 10])
    }
  }

  @Test func `a promise to throw only unchanged is believed, and is the author's to keep (P90)`()
    throws
  {
    let bank = try BankStore()
    #expect(throws: BankError.broken) { try bank.system.execute(Promise(breaks: false)) }
    #expect(try bank.model == Bank())
    #expect(throws: BankError.broken) { try bank.system.execute(Promise(breaks: true)) }
    #expect(try bank.model.notes == ["changed"])
    try bank.reopen()
    #expect(try bank.model == Bank())
    try bank.finish()
  }

  @Test(arguments: ThrowingPlace.allCases)
  func `an error at any place fails cleanly, and the next command works (P117, P120, P121, P173)`(
    place: ThrowingPlace
  )
    throws
  {
    try withBank(adjust: { options in
      options.veto = { command, _ in
        if let command = command as? Picky, command.place == .veto { throw BankError.broken }
      }
    }) { bank in
      bank.registry.register(Picky.self)
      try bank.reopen()
      let system = bank.system
      try system.execute(Note(text: "before"))
      do {
        try system.execute(Picky(place: place))
        #expect(place == .none)
      } catch let error as PrevalenceError {
        #expect(place.expected(error), "\(error)")
      } catch {
        #expect(error as? BankError == .broken && !place.isOwn)
      }
      #expect(system.lastCommand == 1)
      try system.execute(Note(text: "after"))
      #expect(try bank.model.notes == ["before", "after"])
      #expect(try bank.journal == [1, 2])
      try bank.kill()
      #expect(try bank.model.notes == ["before", "after"])
    }
  }

  @Test
  func `a command of a type that is not registered is refused before anything is done (P115)`()
    throws
  {
    try withBank { bank in
      #expect(throws: PrevalenceError.unregistered(name: "Picky")) {
        try bank.system.execute(Picky(place: .none))
      }
      #expect(bank.system.lastCommand == 0)
    }
  }

  @Test
  func `a command that cannot be decoded again is refused before anything is written (P116, P59)`()
    throws
  {
    try withBank { bank in
      bank.registry.register(OneWay.self)
      bank.registry.register(Trailing.self)
      try bank.reopen()
      #expect(throws: PrevalenceError.notReadable(name: "OneWay", reason: "broken")) {
        try bank.system.execute(OneWay())
      }
      #expect(bank.system.lastCommand == 0)
      // Bytes that the decoder has no use for are its own business.
      try bank.system.execute(Trailing(text: "t"))
      try bank.kill()
      #expect(try bank.model.notes == ["t"])
    }
  }

  @Test
  func `what a command refers to is a copy, and a target is named by its key (P43, P44, P154)`()
    throws
  {
    try withBank { bank in
      bank.registry.register(Baptism.self)
      try bank.reopen()
      try bank.system.execute(Deposit(account: "a", amount: 1))
      let model = try bank.model
      try bank.system.execute(Baptism(copy: model))
      #expect(try bank.model == model)
      try bank.system.execute(Deposit(account: "a", amount: 1))
      try bank.kill()
      #expect(try bank.model.accounts == ["a": 2])
    }
  }
}

/// Where a `Picky` command throws.
enum ThrowingPlace: String, CaseIterable, Codable, Sendable {
  case none, encode, encodeLate, decode, veto, validate, executeFirst, executeLast

  /// Whether the system throws an error of its own instead of that of the command.
  var isOwn: Bool { [.none, .encode, .encodeLate, .decode, .veto].contains(self) }

  func expected(_ error: PrevalenceError) -> Bool {
    switch (self, error) {
    case (.encode, .notEncodable), (.encodeLate, .notEncodable), (.decode, .notReadable),
      (.veto, .refused):
      true
    default: false
    }
  }
}

/// Throws where it is told to, and always when it is executed.
struct Picky: Command {
  struct Codec: PrevalentCodec {
    func encode(_ value: Picky, into bytes: inout [UInt8]) throws {
      if value.place == .encode { throw BankError.broken }
      if value.place == .encodeLate {
        bytes.append(contentsOf: repeatElement(0, count: 5000))
        throw BankError.broken
      }
      bytes.append(contentsOf: value.place.rawValue.utf8)
    }

    func decode(_ bytes: ArraySlice<UInt8>) throws -> Picky {
      guard let place = ThrowingPlace(rawValue: String(decoding: bytes, as: UTF8.self)),
        place != .decode
      else { throw BankError.broken }
      return Picky(place: place)
    }
  }

  static let codec = Codec()
  var place: ThrowingPlace

  func validate(_ model: Bank, in context: inout CommandContext) throws {
    if place == .validate { throw BankError.broken }
  }

  func execute(on model: inout Bank, in context: inout CommandContext) throws {
    if place == .executeFirst { throw BankError.broken }
    if place == .none { return context.leaveOutOfJournal() }
    model.notes.append("picky")
    throw BankError.broken
  }
}

/// Cannot be read.
struct OneWay: Command {
  struct Codec: PrevalentCodec {
    func encode(_ value: OneWay, into bytes: inout [UInt8]) {}
    func decode(_ bytes: ArraySlice<UInt8>) throws -> OneWay { throw BankError.broken }
  }

  static let codec = Codec()
  func execute(on model: inout Bank, in context: inout CommandContext) {}
}

/// Writes more than it reads.
struct Trailing: Command {
  struct Codec: PrevalentCodec {
    func encode(_ value: Trailing, into bytes: inout [UInt8]) {
      bytes.append(contentsOf: value.text.utf8)
      bytes.append(contentsOf: [0, 1, 2])
    }
    func decode(_ bytes: ArraySlice<UInt8>) -> Trailing {
      Trailing(text: String(decoding: bytes.dropLast(3), as: UTF8.self))
    }
  }

  static let codec = Codec()
  var text: String
  func execute(on model: inout Bank, in context: inout CommandContext) { model.notes.append(text) }
}

/// Changes a copy of what it should change.
struct Baptism: Command, Codable {
  var copy: Bank

  func execute(on model: inout Bank, in context: inout CommandContext) {
    var copy = copy
    copy.accounts["a", default: 0] += 100
  }
}

/// Counts its executions.
struct Counted: Command, Codable {
  private static let counter = Guarded<Guarded<Int>?>(nil)

  static func withCounter(_ count: Guarded<Int>, _ body: () throws -> Void) rethrows {
    counter.withLock { $0 = count }
    defer { counter.withLock { $0 = nil } }
    try body()
  }

  func execute(on model: inout Bank, in context: inout CommandContext) {
    Self.counter.withLock { $0?.withLock { $0 += 1 } }
    model.notes = ["counted"]
  }
}
