// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Synchronization

/// The memory that large transactions in fragments may take, over all transfers together.
final class StagingBudget: Sendable {
  let limit: Int
  private let taken = Mutex(0)

  init(limit: Int) {
    self.limit = limit
  }

  /// Takes bytes; `false` when there are not so many left.
  func take(_ count: Int) -> Bool {
    taken.withLock { taken in
      guard count <= limit - taken else { return false }
      taken += count
      return true
    }
  }

  /// Gives bytes back.
  func giveBack(_ count: Int) {
    taken.withLock { $0 -= count }
  }
}

/// Stages a transaction in memory, as long as the budget lasts.
final class BudgetedStaging: TransactionStaging {
  /// Other transfers stage too much at the moment.
  struct Exhausted: Error, CustomStringConvertible {
    let description = "too many large transactions are under way at once"
  }

  private let budget: StagingBudget
  private var bytes: [UInt8] = []
  private var taken = 0

  init(_ budget: StagingBudget) {
    self.budget = budget
  }

  var byteLimit: Int { budget.limit }

  /// Takes the whole at once: of several that do not fit together one gets through.
  func begin(byteCount: Int) throws {
    discard()
    guard budget.take(byteCount) else { throw Exhausted() }
    taken = byteCount
  }

  func append(_ bytes: [UInt8]) {
    self.bytes += bytes
  }

  func take() -> [UInt8] {
    defer { discard() }
    return bytes
  }

  func discard() {
    bytes = []
    budget.giveBack(taken)
    taken = 0
  }

  deinit {
    budget.giveBack(taken)
  }
}
