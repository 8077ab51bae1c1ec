// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import Foundation
import StorageEngine
import TestSupport
import Testing

/// What every use of a prevalent system rests on.
struct PrevalentBasicTests {
  @Test
  func
    `a command returns its result and a query sees it, also after opening again (P1, P41, P42, P83, P84)`()
    throws
  {
    try withBank { bank in
      #expect(try bank.system.execute(Deposit(account: "a", amount: 5)) == 5)
      #expect(try bank.system.execute(Deposit(account: "a", amount: 2)) == 7)
      #expect(try bank.model.accounts == ["a": 7])
      #expect(try bank.system.execute(Close(account: "a")) == 7)
      #expect(try bank.model.accounts.isEmpty)
      try bank.system.execute(Note(text: "n"))
      try bank.kill()
      #expect(try bank.model == Bank(notes: ["n"]))
      #expect(bank.system.lastCommand == 4)
    }
  }

  @Test func `one command for each opening, and all of them are there (P4, P7, P13, P14, P108)`()
    throws
  {
    try withBank { bank in
      for round in 1...6 {
        if round % 2 == 0 { try bank.reopen() } else { try bank.kill() }
        #expect(bank.system.lastCommand == UInt64(round - 1))
        try bank.system.execute(
          Note(text: "\(round)"), durability: round % 2 == 0 ? .synced : .written)
        if round == 3 { try bank.system.writeImage() }
      }
      #expect(try bank.model.notes == ["1", "2", "3", "4", "5", "6"])
      #expect(try bank.journal.suffix(3) == [4, 5, 6])
    }
  }

  @Test(arguments: 0...5)
  func `a number of commands with an image after each two is restored exactly (P5, P18, P100)`(
    count: Int
  )
    throws
  {
    try withBank(adjust: { $0.images = ImagePolicy(everyCommands: 2) }) { bank in
      for number in 0..<count {
        try bank.system.execute(Note(text: "\(number)"))
        bank.imager.runAll()
      }
      try bank.kill()
      #expect(try bank.model.notes == (0..<count).map { "\($0)" })
      #expect(bank.system.lastCommand == UInt64(count))
      #expect(bank.system.lastImage == UInt64(count / 2 * 2))
    }
  }

  @Test
  func
    `an empty system is restored twice, and the initial model only the first time (P13, P27, P81, P82, P100, P182)`()
    throws
  {
    let bank = try BankStore(initial: Bank(notes: ["first"]))
    try bank.system.close()
    for _ in 0..<2 {
      let system = try PrevalentSystem.open(
        in: bank.database, .bank, options: bank.options
      ) { () throws -> Bank in throw BankError.broken }
      #expect(try system.query { $0.notes } == ["first"])
      try system.close()
    }
    try bank.database.close()
  }

  @Test func `where nothing is stored and nothing to begin with, that is said (P78, P79, P87)`()
    throws
  {
    let database = try Database.inMemory(limit: 64 << 20)
    #expect(throws: PrevalenceError.notFound(name: "main")) {
      _ = try PrevalentSystem.open(in: database, .bank, options: BankStore.options())
    }
    #expect(try !PrevalentSystem<Bank>.exists(in: database))
    let system = try PrevalentSystem.open(in: database, .bank, options: BankStore.options()) {
      Bank()
    }
    #expect(try PrevalentSystem<Bank>.exists(in: database))
    try system.close()
    #expect(throws: BankError.broken) {
      _ = try PrevalentSystem.open(
        in: database, named: "other", .bank, options: BankStore.options()
      ) { () throws -> Bank in throw BankError.broken }
    }
    #expect(try !PrevalentSystem<Bank>.exists(in: database, named: "other"))
    #expect(try database.check().isIntact)
    try database.close()
  }

  @Test
  func `closing again is harmless, and everything else is refused then (P76, P77, P114, P169)`()
    throws
  {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "n"))
    let system = bank.system
    try system.close()
    try system.close()
    #expect(throws: PrevalenceError.closed) { try system.execute(Note(text: "n")) }
    #expect(throws: PrevalenceError.closed) { try system.query { _ in } }
    #expect(throws: PrevalenceError.closed) { _ = try system.view() }
    #expect(throws: PrevalenceError.closed) { try system.writeImage() }
    #expect(throws: PrevalenceError.closed) { try system.flush() }
    #expect(throws: PrevalenceError.closed) { _ = try system.past(.end) }
    #expect(throws: PrevalenceError.closed) { _ = try system.entries(after: 0) }
    try bank.reopen()
    try bank.finish()
  }

  @Test
  func `a second opening in the process is refused and does not disturb the first (P80, P195)`()
    throws
  {
    try withBank { bank in
      #expect(throws: PrevalenceError.alreadyOpen(name: "main")) {
        _ = try PrevalentSystem.open(in: bank.database, .bank, options: bank.options) { Bank() }
      }
      try bank.system.execute(Note(text: "n"))
      let other = try PrevalentSystem.open(
        in: bank.database, named: "other", .bank, options: bank.options
      ) { Bank() }
      try other.execute(Note(text: "o"))
      #expect(try bank.model.notes == ["n"])
      try other.close()
    }
  }

  @Test func `a system that is dropped without being closed can be opened again (P113)`() throws {
    let database = try Database.inMemory(limit: 64 << 20)
    for round in 0..<3 {
      let system = try PrevalentSystem.open(in: database, .bank, options: BankStore.options()) {
        Bank()
      }
      #expect(system.lastCommand == UInt64(round))
      try system.execute(Note(text: "n"))
    }
    #expect(try database.check().isIntact)
    try database.close()
  }

  @Test func `erasing removes everything that was stored (P94)`() throws {
    try withBank { bank in
      let before = try bank.database.read { try $0.trees().count }
      let other = try PrevalentSystem.open(
        in: bank.database, named: "other", .bank, options: bank.options
      ) { Bank() }
      try other.execute(Note(text: "o"))
      try other.writeImage()
      #expect(throws: PrevalenceError.alreadyOpen(name: "other")) {
        try PrevalentSystem<Bank>.erase(in: bank.database, named: "other")
      }
      try other.close()
      try PrevalentSystem<Bank>.erase(in: bank.database, named: "other")
      #expect(try bank.database.read { try $0.trees().count } == before)
      let again = try PrevalentSystem.open(
        in: bank.database, named: "other", .bank, options: bank.options
      ) { Bank(notes: ["new"]) }
      #expect(try again.query { $0.notes } == ["new"])
      try again.close()
      try PrevalentSystem<Bank>.erase(in: bank.database, named: "nothing")
    }
  }

  @Test(arguments: ["", "/", "a/image", "a/\u{301}b"])
  func `what cannot name a system is refused, and erasing it removes nothing of others`(
    _ name: String
  ) throws {
    try withBank { bank in
      let expected = PrevalenceError.invalidOptions("'\(name)' cannot name a prevalent system")
      let system = try PrevalentSystem.open(
        in: bank.database, named: "a", .bank, options: bank.options
      ) { Bank() }
      try system.close()
      #expect(throws: expected) {
        _ = try PrevalentSystem.open(
          in: bank.database, named: name, .bank, options: bank.options
        ) { Bank() }
      }
      #expect(throws: expected) {
        try PrevalentSystem<Bank>.erase(in: bank.database, named: name)
      }
      let again = try PrevalentSystem.open(
        in: bank.database, named: "a", .bank, options: bank.options)
      try again.close()
    }
  }

  @Test func `systems are told apart and listed by the bytes of their names`() throws {
    let names = ["\u{E9}", "e\u{301}", "\u{301}x"]
    try withBank { bank in
      let systems = try names.map { name in
        try PrevalentSystem.open(in: bank.database, named: name, .bank, options: bank.options) {
          Bank(notes: [name])
        }
      }
      let view = try bank.database.snapshot()
      let listed = try StoredSystem.all(in: bank.database, view).map { Array($0.name.utf8) }
      view.close()
      #expect(listed == ["e\u{301}", "main", "\u{E9}", "\u{301}x"].map { Array($0.utf8) })
      for system in systems { try system.close() }
      try PrevalentSystem<Bank>.erase(in: bank.database, named: names[0])
      #expect(try !PrevalentSystem<Bank>.exists(in: bank.database, named: names[0]))
      #expect(try PrevalentSystem<Bank>.exists(in: bank.database, named: names[1]))
    }
  }

  @Test func `in memory everything works as on a disk but for surviving (P25, P26, P68, P185)`()
    throws
  {
    let system = try PrevalentSystem.inMemory(.bank, options: BankStore.options()) { Bank() }
    try system.execute(Deposit(account: "a", amount: 3))
    #expect(throws: BankError.notEnough) {
      try system.execute(Transfer(from: "a", to: "b", amount: 4))
    }
    try system.execute(Transfer(from: "a", to: "b", amount: 1))
    #expect(try system.query { $0.accounts } == ["a": 2, "b": 1])
    #expect(try system.writeImage() == 2)
    #expect(try system.entries(after: 0).count == 2)
    #expect(try system.database.check().isIntact)
    try system.close()
  }

  @Test func `the default waits for the disk (P98, P118)`() throws {
    #expect(PrevalentOptions<Bank>().durability == .synced)
    try withBank { bank in
      for number in 0..<5 {
        try bank.system.execute(Note(text: "\(number)"))
        // Whatever is not flushed is lost now.
        let left = try BankStore(opening: bank.disk.crashed(.loseAll))
        #expect(left.system.lastCommand == UInt64(number + 1))
        try left.finish()
      }
    }
  }

  @Test func `names and options that cannot be used are refused (P34, P35, P110)`() throws {
    let database = try Database.inMemory(limit: 64 << 20)
    func open(
      _ name: String = "main", _ registry: CommandRegistry<Bank> = .bank,
      _ adjust: (inout PrevalentOptions<Bank>) -> Void = { _ in }
    ) throws {
      var options = BankStore.options()
      adjust(&options)
      _ = try PrevalentSystem.open(in: database, named: name, registry, options: options) { Bank() }
    }
    for name in ["", "a/b", String(repeating: "n", count: 201)] {
      #expect(throws: PrevalenceError.self) { try open(name) }
    }
    var twice = CommandRegistry<Bank>.bank
    twice.register(Note.self)
    #expect(throws: PrevalenceError.self) { try open("main", twice) }
    var nameless = CommandRegistry<Bank>.bank
    nameless.rename("", to: Note.self)
    #expect(throws: PrevalenceError.self) { try open("main", nameless) }
    #expect(throws: PrevalenceError.invalidOptions("a command cannot have the version -1")) {
      try open("main", CommandRegistry(Negative.self))
    }
    #expect(throws: PrevalenceError.self) { try open { $0.images.keptImages = 0 } }
    #expect(throws: PrevalenceError.self) { try open { $0.images.everyCommands = 0 } }
    #expect(throws: PrevalenceError.self) { try open { $0.images.everyBytes = 0 } }
    #expect(throws: PrevalenceError.self) { try open { $0.modelVersion = 0 } }
    #expect(throws: PrevalenceError.self) {
      try open {
        $0.hashInterval = 1
        $0.stateHash = nil
      }
    }
    #expect(try !PrevalentSystem<Bank>.exists(in: database))
    try database.close()
  }

  @Test func `in a database that is open for reading only a system answers queries (P86, P88)`()
    throws
  {
    let bank = try BankStore()
    for number in 1...3 { try bank.system.execute(Note(text: "\(number)")) }
    try bank.system.close()
    try bank.database.close()
    var configuration = bank.configuration
    configuration.isReadOnly = true
    let database = try Database.open(on: bank.disk.reopened(), configuration: configuration)
    for _ in 0..<2 {
      let system = try PrevalentSystem.open(in: database, .bank, options: bank.options)
      #expect(try system.query { $0.notes } == ["1", "2", "3"])
      #expect(throws: PrevalenceError.readOnly) { try system.execute(Note(text: "4")) }
      #expect(throws: PrevalenceError.readOnly) { try system.writeImage() }
      #expect(try system.entries(after: 1).count == 2)
      #expect(try system.past(.command(2)).model.notes.count == 2)
      try system.close()
    }
    #expect(try database.check().isIntact)
    try database.close()
  }

  @Test func `a system in a file, opened for reading by others when it is closed (P86, P88, P17)`()
    throws
  {
    try withTemporaryDirectory { folder in
      let path = folder + "/bank.store"
      let system = try PrevalentSystem.open(at: path, .bank, options: BankStore.options()) {
        Bank()
      }
      try system.execute(Note(text: "n"))
      #expect(throws: PrevalenceError.self) {
        _ = try PrevalentSystem.open(at: path, .bank, options: BankStore.options()) { Bank() }
      }
      try system.close()
      // All of it is in the one file, wherever that is.
      try FileManager.default.copyItem(atPath: path, toPath: folder + "/copy.store")
      let copy = try PrevalentSystem.open(
        at: folder + "/copy.store", .bank, options: BankStore.options())
      #expect(try copy.query { $0.notes } == ["n"])
      try copy.execute(Note(text: "in the copy"))
      try copy.close()
      var configuration = Configuration()
      configuration.isReadOnly = true
      let readers = try (0..<2).map { _ in
        try PrevalentSystem.open(
          at: path, .bank, options: BankStore.options(), configuration: configuration)
      }
      for reader in readers {
        #expect(try reader.query { $0.notes } == ["n"])
        #expect(throws: PrevalenceError.readOnly) { try reader.execute(Note(text: "m")) }
        #expect(throws: PrevalenceError.readOnly) { try reader.writeImage() }
        #expect(try reader.entries(after: 0).count == 1)
        #expect(try reader.past(.command(0)).model.notes.isEmpty)
        try reader.close()
      }
      #expect(throws: PrevalenceError.engine(.notFound(path: folder + "/none"))) {
        _ = try PrevalentSystem.open(at: folder + "/none", .bank, options: BankStore.options())
      }
      let again = try PrevalentSystem.open(at: path, .bank, options: BankStore.options())
      try again.execute(Note(text: "m"))
      #expect(try again.database.check().isIntact)
      try again.close()
    }
  }
}

/// Has a version that no command can have.
struct Negative: Command, Codable {
  static let version = -1
  func execute(on model: inout Bank, in context: inout CommandContext) {}
}
