// SPDX-License-Identifier: Apache-2.0

/// Transactions in doubt.
extension Salvage {
  /// Gives up the transactions in doubt that are not whole: the store could not be opened with them,
  /// or a part of one could be committed, or one that was decided come into doubt again.
  mutating func checkInDoubt() throws {
    let problems = try target.write(durability: .manual) { transaction in
      try transaction.dropBrokenPrepared(
        incomplete: Set(gaps.keys), maybeDecidedBefore: firstBehindDamage ?? 0)
    }
    for broken in problems { try loseInDoubt(broken.name, broken.tree.rawValue, broken.problem) }
  }

  /// `tree` is the one that it lies in, if the copy had that.
  mutating func loseInDoubt(_ name: String, _ tree: UInt32?, _ problem: String) throws {
    try lose(tree, .all, damage("the transaction in doubt \(name)", problem))
  }
}
