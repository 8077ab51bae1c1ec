// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// An endless series of transactions that follows from its number and a seed.
///
/// The process that writes it and the one that checks the store after the writer was killed can so
/// agree on every byte. Series of different numbers touch different keys. Each transaction leaves
/// its number in the store, which tells how far the series has come.
public struct ScriptedSeries: Sendable {
  /// The tree that all series write to.
  public static let tree = "series"

  /// The number of the series.
  public let number: Int
  private let seed: UInt64

  /// Describes a series.
  public init(_ number: Int, seed: UInt64) {
    self.number = number
    self.seed = seed
  }

  /// The changes of a transaction; the first has the number 1.
  public func changes(_ transaction: Int) -> [Change] {
    var random = SplitMix64(seed: seed &+ UInt64(number) << 32 &+ UInt64(transaction))
    var changes: [Change] = []
    for _ in 0..<(1 + random.below(8)) {
      let key = Array("\(number) key \(random.below(200))".utf8)
      if random.chance(1, in: 5) {
        changes.append(.delete(tree: Self.tree, key: key))
      } else {
        let isLarge = random.chance(1, in: 60)
        let count = isLarge ? 20_000 + random.below(200_000) : random.below(400)
        changes.append(.put(tree: Self.tree, key: key, value: random.bytes(count)))
      }
    }
    changes.append(
      .put(tree: Self.tree, key: progressKey, value: Array("\(transaction)".utf8)))
    return changes
  }

  /// How far the series has come in a store; 0 before its first transaction.
  public func progress(in reader: any TreeReader) throws -> Int {
    guard let tree = try reader.tree(named: Self.tree),
      let value = try reader.value(forKey: progressKey, in: tree)
    else { return 0 }
    guard let progress = Int(String(decoding: value, as: UTF8.self)) else {
      throw TestFailure("series \(number) has come to \(value)")
    }
    return progress
  }

  private var progressKey: [UInt8] { Array("\(number) progress".utf8) }
}
