// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine

/// A model for tests: accounts, and a list of what happened.
struct Bank: Codable, Sendable, Equatable {
  var accounts: [String: Int] = [:]
  var notes: [String] = []
  var words: [UInt64] = []
  var times: [UInt64] = []

  var total: Int { accounts.values.reduce(0, +) }
}

/// Why a command of the bank refuses.
enum BankError: Error, Equatable {
  case noAccount(String)
  case notEnough
  case broken
}

/// Opens an account with an amount, or adds to it.
struct Deposit: Command, Codable {
  var account: String
  var amount: Int

  func execute(on model: inout Bank, in context: inout CommandContext) -> Int {
    model.accounts[account, default: 0] += amount
    return model.accounts[account] ?? 0
  }
}

/// Removes an account, and returns what was on it.
struct Close: Command, Codable {
  var account: String

  func validate(_ model: Bank, in context: inout CommandContext) throws {
    guard model.accounts[account] != nil else { throw BankError.noAccount(account) }
  }

  func execute(on model: inout Bank, in context: inout CommandContext) throws -> Int {
    model.accounts.removeValue(forKey: account) ?? 0
  }
}

/// Takes from one account first, and throws then when it was not enough.
struct Transfer: Command, Codable {
  var from: String
  var to: String
  var amount: Int

  func execute(on model: inout Bank, in context: inout CommandContext) throws {
    model.accounts[from, default: 0] -= amount
    model.notes.append("took \(amount) from \(from)")
    guard model.accounts[from, default: 0] >= 0 else { throw BankError.notEnough }
    model.accounts[to, default: 0] += amount
    model.notes.append("gave \(amount) to \(to)")
  }
}

/// Notes the time and a random number of the context.
struct Stamp: Command, Codable {
  func execute(on model: inout Bank, in context: inout CommandContext) -> UInt64 {
    let word = context.random.next()
    model.words.append(word)
    model.times.append(context.now)
    return word
  }
}

/// Appends a note, and emits as many events as asked.
struct Note: Command, Codable {
  var text: String
  var events = 0

  func execute(on model: inout Bank, in context: inout CommandContext) -> Int {
    model.notes.append(text)
    for event in 0..<events { context.emit("\(text) \(event)") }
    return model.notes.count
  }
}

/// Turns the notes round: twice is as if never.
struct Reverse: Command, Codable {
  func execute(on model: inout Bank, in context: inout CommandContext) {
    model.notes.reverse()
  }
}

/// Notes something that is not the same at the second execution.
struct Impure: Command, Codable {
  var throwsAtReplay = false

  func execute(on model: inout Bank, in context: inout CommandContext) throws {
    if context.isReplay, throwsAtReplay { throw BankError.broken }
    model.words.append(.random(in: .min ... .max))
  }
}

/// Reads the account, and says that it has changed nothing.
struct Look: Command, Codable {
  var account: String

  func execute(on model: inout Bank, in context: inout CommandContext) -> Int? {
    context.leaveOutOfJournal()
    return model.accounts[account]
  }
}

/// Promises to throw only unchanged, and breaks the promise if asked.
struct Promise: Command, Codable {
  static let throwsOnlyUnchanged = true
  var breaks: Bool

  func execute(on model: inout Bank, in context: inout CommandContext) throws {
    if breaks { model.notes.append("changed") }
    throw BankError.broken
  }
}

/// Ends the process.
struct Trap: Command, Codable {
  func execute(on model: inout Bank, in context: inout CommandContext) {
    model.notes.append("about to trap")
    let places: [Int] = []
    model.words.append(UInt64(places[model.notes.count]))
  }
}

/// A text of any length.
struct LongText: Command, Codable {
  var text: [UInt8]

  func execute(on model: inout Bank, in context: inout CommandContext) {
    model.notes.append("\(text.count) \(StateHash.hash(of: text))")
  }
}

extension CommandRegistry<Bank> {
  /// Every command of the bank.
  static var bank: CommandRegistry<Bank> {
    CommandRegistry(
      Deposit.self, Close.self, Transfer.self, Stamp.self, Note.self, Reverse.self, Impure.self,
      Look.self, Promise.self, Trap.self, LongText.self)
  }
}
