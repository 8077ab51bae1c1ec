// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Older forms of commands and models.
struct MigrationTests {
  @Test func `a command that is not registered any more is an error that names it (P172, P203)`()
    throws
  {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "1"))
    try bank.system.execute(Deposit(account: "a", amount: 1))
    #expect(throws: PrevalenceError.unknownCommand(name: "Deposit", version: 1, number: 2)) {
      try bank.reopen(registry: CommandRegistry(Note.self))
    }
    try bank.system.close()
  }

  @Test
  func `a renamed command and an older version are read through their upgrades (P153, P203, P215)`()
    throws
  {
    let bank = try BankStore()
    try bank.system.execute(Deposit(account: "a", amount: 1))
    try bank.system.execute(Note(text: "n"))
    #expect(throws: PrevalenceError.unknownCommand(name: "Deposit", version: 1, number: 1)) {
      try bank.reopen(registry: CommandRegistry(Pay.self, Boxed<Int>.Note.self))
    }
    var registry = CommandRegistry<Bank>(Pay.self, Boxed<Int>.Note.self)
    registry.upgrade("Deposit", version: 1, from: Deposit.self) {
      Pay(account: $0.account, amount: $0.amount, currency: "EUR")
    }
    registry.rename("Note", to: Boxed<Int>.Note.self)
    bank.registry = registry
    bank.reopenDatabase()
    try bank.openSystem()
    try bank.system.execute(Pay(account: "a", amount: 2, currency: "USD"))
    try bank.system.execute(Boxed<Int>.Note(text: "m"))
    try bank.reopen()
    #expect(try bank.model == Bank(accounts: ["a EUR": 1, "a USD": 2], notes: ["n", "m"]))
    #expect(
      try bank.system.entries(after: 0).map(\.name) == ["Deposit", "Note", "pay", "Boxed.Note"])
    #expect(try bank.system.entries(after: 0).map(\.version) == [1, 1, 2, 1])
    try bank.finish()
  }

  @Test func `a command whose bytes cannot be read is an error with its number (P96)`() throws {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "1"))
    var registry = CommandRegistry<Bank>()
    registry.upgrade("Note", version: 1, from: Deposit.self) { $0 }
    #expect {
      try bank.reopen(registry: registry)
    } throws: { error in
      guard case PrevalenceError.undecodable("Note", 1, 1, _) = error else { return false }
      return true
    }
  }

  @Test func `another type or version of the model is an error that says so (P156, P170, P171)`()
    throws
  {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "1"))
    try bank.system.close()
    var options = PrevalentOptions<Count>()
    #expect(throws: PrevalenceError.modelMismatch(stored: "Bank", expected: "Count")) {
      _ = try PrevalentSystem.open(in: bank.database, CommandRegistry<Count>(), options: options)
    }
    options.modelName = "Bank"
    options.modelVersion = 2
    #expect(throws: PrevalenceError.modelVersion(stored: 1, supported: 2)) {
      _ = try PrevalentSystem.open(in: bank.database, CommandRegistry<Count>(), options: options)
    }
    try bank.openSystem()
    try bank.finish()
  }

  @Test
  func
    `images of older versions are read through migrations, and written in the present one (P32, P33, P215)`()
    throws
  {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "1"))
    try bank.system.execute(Note(text: "2"))
    try bank.system.writeImage()
    try bank.system.close()
    var options = PrevalentOptions<Count>()
    options.modelName = "Bank"
    options.modelVersion = 2
    options.migrations[1] = { bytes in
      Count(notes: try BinaryCodec<Bank>().decode(bytes).notes.count)
    }
    let registry = CommandRegistry<Count>(Increase.self)
    let system = try PrevalentSystem.open(in: bank.database, registry, options: options)
    #expect(try system.query { $0.notes } == 2)
    try system.execute(Increase(by: 5))
    try system.writeImage()
    try system.close()
    // Without the migration as well.
    options.migrations = [:]
    let again = try PrevalentSystem.open(in: bank.database, registry, options: options)
    #expect(try again.query { $0.notes } == 7)
    try again.close()
    #expect(try bank.database.check().isIntact)
    try bank.database.close()
  }

  @Test
  func `hashes of another version of the model are not compared with those of this one (P215)`()
    throws
  {
    let bank = try BankStore { $0.hashInterval = 1 }
    for number in 1...3 { try bank.system.execute(Note(text: "\(number)")) }
    try bank.system.close()
    var options = PrevalentOptions<Count>()
    options.modelName = "Bank"
    options.modelVersion = 2
    options.hashInterval = 1
    options.migrations[1] = { Count(notes: try BinaryCodec<Bank>().decode($0).notes.count) }
    var registry = CommandRegistry<Count>(Increase.self)
    registry.upgrade("Note", version: 1, from: Note.self) { _ in Increase(by: 1) }
    for round in 0..<3 {
      let system = try PrevalentSystem.open(in: bank.database, registry, options: options)
      #expect(try system.query { $0.notes } == 3 + round)
      try system.execute(Increase(by: 1))
      #expect(try system.query { $0.notes } == 4 + round)
      if round == 1 { try system.writeImage() }
      try system.close()
    }
    #expect(try bank.database.check().isIntact)
    try bank.database.close()
  }

  @Test func `fields that were added as optional ones are read as missing (P215)`() throws {
    var bytes: [UInt8] = []
    try BinaryCodec<Deposit>().encode(Deposit(account: "a", amount: 3), into: &bytes)
    let later = try BinaryCodec<LaterDeposit>().decode(bytes[...])
    #expect(later.account == "a" && later.amount == 3 && later.currency == nil)
  }
}

struct Pay: Command, Codable {
  static let name = "pay"
  static let version = 2
  var account: String
  var amount: Int
  var currency: String

  func execute(on model: inout Bank, in context: inout CommandContext) {
    model.accounts["\(account) \(currency)", default: 0] += amount
  }
}

/// Around a nested type.
enum Boxed<Content: Sendable> {
  struct Note: Command, Codable {
    static var name: String { "Boxed.Note" }
    var text: String

    func execute(on model: inout Bank, in context: inout CommandContext) {
      model.notes.append(text)
    }
  }
}

struct LaterDeposit: Codable {
  var account: String
  var amount: Int
  var currency: String?
}

struct Count: Codable, Sendable, Equatable {
  var notes = 0
}

struct Increase: Command, Codable {
  var by: Int
  func execute(on model: inout Count, in context: inout CommandContext) { model.notes += by }
}
