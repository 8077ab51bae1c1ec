// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Random transactions against a plain model.
///
/// RECORD_STORE_RANDOM_RUNS is the number of runs, RECORD_STORE_SEED the seed of the first.
struct RandomOperationTests {
  static let runs = TestEnvironment.count("RECORD_STORE_RANDOM_RUNS", quick: 12)

  @Test(arguments: 0..<runs)
  func `a store agrees with a dictionary`(_ number: Int) throws {
    let seed = TestEnvironment.seed &+ UInt64(number)
    do {
      try run(seed: seed)
    } catch {
      throw TestFailure("RECORD_STORE_SEED=\(seed): \(error)")
    }
  }

  private func run(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let pageBytes = 4096 << random.below(3)
    let shape = Shape(
      keys: KeyShape.allCases[random.below(KeyShape.allCases.count)],
      keyCount: 1 << (3 + random.below(13)), valueBytes: 1 << random.below(12),
      deletes: 1 + random.below(9))
    try withStore(pageBytes: pageBytes) { store in
      var model = Model()
      try store.commit([.createTree("tree 0")], to: &model)
      for _ in 0..<80 {
        switch random.below(16) {
        case 0: try store.reopen()
        case 1, 2: try store.database.checkpoint()
        case 3: store.scheduler.runAll()
        case 4: try store.check()
        case 5: try changeTrees(store, &model, &random)
        case 6: try deleteRange(store, &model, &random)
        default: try change(store, &model, shape, &random)
        }
        if random.chance(1, in: 6) { try model.verify(try store.database.snapshot()) }
      }
      try model.verify(try store.database.snapshot())
    }
  }

  private struct Shape {
    let keys: KeyShape
    let keyCount: Int
    let valueBytes: Int
    /// Of 16 changes.
    let deletes: Int
  }

  private func change(
    _ store: TestStore, _ model: inout Model, _ shape: Shape, _ random: inout SplitMix64
  ) throws {
    let trees = model.trees.keys.sorted()
    guard !trees.isEmpty else { return }
    let changes = (0..<(1 << random.below(10))).map { _ -> Change in
      let tree = trees[random.below(trees.count)]
      let key = shape.keys.key(random.below(shape.keyCount))
      if random.chance(shape.deletes, in: 16) { return .delete(tree: tree, key: key) }
      let isLarge = random.chance(1, in: 200)
      let count = random.below(isLarge ? 150_000 : shape.valueBytes)
      return .put(tree: tree, key: key, value: random.bytes(count))
    }
    try store.commit(changes, to: &model)
  }

  private func changeTrees(
    _ store: TestStore, _ model: inout Model, _ random: inout SplitMix64
  ) throws {
    let name = "tree \(random.below(4))"
    try store.commit([model.trees[name] == nil ? .createTree(name) : .dropTree(name)], to: &model)
  }

  /// Deletes neighbours, so that whole pages empty and join.
  private func deleteRange(
    _ store: TestStore, _ model: inout Model, _ random: inout SplitMix64
  ) throws {
    guard let (tree, entries) = model.trees.sorted(by: { $0.key < $1.key }).first else { return }
    let keys = entries.keys.sorted { $0.lexicographicallyPrecedes($1) }
    let first = random.below(keys.count + 1)
    let end = min(keys.count, first + random.below(keys.count / 2 + 1))
    try store.commit(keys[first..<end].map { .delete(tree: tree, key: $0) }, to: &model)
  }
}

/// What keys look like; each shape is hard on another part of a tree.
enum KeyShape: CaseIterable {
  /// Bytes without pattern.
  case random
  /// Numbers in order, as an application's counter makes them.
  case ascending
  /// Paths of few components from a small alphabet: prefixes within prefixes.
  case paths
  /// Bytes of two values only, of very different lengths, zero among them.
  case binary
  /// Long keys that differ only at their ends.
  case longPrefix
  /// The longest keys that differ early.
  case long

  func key(_ number: Int) -> [UInt8] {
    var random = SplitMix64(seed: UInt64(number) &* 0x1234_5677 &+ 5)
    switch self {
    case .random: return random.bytes(1 + random.below(40))
    case .ascending: return (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    case .paths:
      let words = ["a", "aa", "ab", "users", "user", "z", "profile", "0"]
      return Array(
        (0...random.below(6)).map { _ in words[random.below(words.count)] }
          .joined(separator: "/").utf8)
    case .binary: return (0...random.below(24)).map { _ in random.chance(1, in: 2) ? 0 : 1 }
    case .longPrefix:
      let prefix = [UInt8](repeating: UInt8(random.below(3)), count: 200 + random.below(3) * 300)
      return prefix + random.bytes(3)
    case .long: return random.bytes(8) + [UInt8](repeating: 7, count: 1016)
    }
  }
}
