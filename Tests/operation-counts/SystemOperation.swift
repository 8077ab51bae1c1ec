// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine

/// What can be counted of prevalent systems.
enum SystemOperation: String, CaseIterable {
  /// A command without a flush.
  case command
  /// A durable command.
  case commandCommit
  /// A query of one number.
  case query

  private static let accounts = 1000

  /// Does the operation so many times; whether each did its work.
  ///
  /// `counting` is called when everything is ready.
  func run(_ database: Database, _ count: Int, counting: () -> Void) throws -> Bool {
    var options = PrevalentOptions<Bank>()
    options.images = .manual
    let system = try PrevalentSystem.open(
      in: database, CommandRegistry<Bank>(Deposit.self), options: options
    ) { Bank() }
    counting()
    switch self {
    case .command, .commandCommit:
      let durability = self == .command ? Durability.manual : .synced
      for number in 0..<count {
        try system.execute(
          Deposit(account: number % Self.accounts, amount: 1), durability: durability)
      }
      let sum = try system.query { $0.balances.reduce(0, +) }
      try system.close()
      return sum == count
    case .query:
      var sum = 0
      for number in 0..<count {
        sum += try system.query { $0.balances[number % Self.accounts] + 1 }
      }
      try system.close()
      return sum == count
    }
  }

  private struct Bank: Codable, Sendable {
    var balances = [Int](repeating: 0, count: accounts)
  }

  private struct Deposit: Command, Codable {
    let account: Int
    let amount: Int

    func execute(on bank: inout Bank, in context: inout CommandContext) {
      bank.balances[account] += amount
    }
  }
}
