// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// One thing that a scripted workload does.
enum Step: Sendable {
  /// A transaction.
  case commit([Change], durability: Durability = .synced)
  /// Transactions of as many threads at once, which must not touch each other's keys.
  case concurrent([[Change]])
  /// A transaction that makes its changes and then throws.
  case abort([Change])
  /// Makes every earlier commit durable.
  case flush
  /// Folds the log into the pages.
  case checkpoint
  /// Lets the jobs run that the engine scheduled.
  case runScheduled
  /// Takes a snapshot, in place of an earlier one, which must still show what it showed.
  case snapshot
  /// Keeps the present state under a name.
  case keep(String)
  /// Gives up such a name.
  case giveUp(String)
  /// Moves what is in use together and cuts the file off.
  case compact
  /// Closes the store and opens it again.
  case reopen
}

/// A script that a store lives through.
struct Workload: Sendable, CustomTestStringConvertible {
  let name: String
  var pageBytes = 4096
  var checkpointBytes = 1 << 20
  var transactionMemoryBytes = 64 << 20
  let steps: [Step]

  var testDescription: String { name }

  func configuration(scheduler: any CheckpointScheduler) -> Configuration {
    var configuration = Configuration.testing(scheduler: scheduler, pageBytes: pageBytes)
    configuration.checkpointBytes = checkpointBytes
    configuration.transactionMemoryBytes = transactionMemoryBytes
    return configuration
  }
}

/// The tree in which each transaction leaves a mark, so that a store can tell which it holds.
enum Marks {
  static let tree = "marks"

  static func mark(_ transaction: Int) -> Change {
    .put(tree: tree, key: key(transaction), value: [])
  }

  static func key(_ transaction: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: transaction >> (24 - 8 * $0)) }
  }

  /// The transactions whose marks a store holds, in order.
  static func present(in reader: any TreeReader) throws -> [Int] {
    guard let tree = try reader.tree(named: tree) else { return [] }
    var found: [Int] = []
    let cursor = try reader.cursor(in: tree)
    while try cursor.next() {
      let key = cursor.key
      guard key.count == 4 else { throw TestFailure("a mark with key \(key)") }
      found.append(key.reduce(0) { $0 << 8 | Int($1) })
    }
    return found
  }
}
