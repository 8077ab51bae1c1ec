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
    let limits = Limits(
      keys: 1 << (3 + random.below(12)), keyBytes: 1 + random.below(60),
      valueBytes: 1 << random.below(13), deletes: 1 + random.below(8))
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
        default: try change(store, &model, limits, &random)
        }
        if random.chance(1, in: 6) { try model.verify(try store.database.snapshot()) }
      }
      try model.verify(try store.database.snapshot())
    }
  }

  private struct Limits {
    let keys: Int
    let keyBytes: Int
    let valueBytes: Int
    let deletes: Int
  }

  private func change(
    _ store: TestStore, _ model: inout Model, _ limits: Limits, _ random: inout SplitMix64
  ) throws {
    let trees = model.trees.keys.sorted()
    guard !trees.isEmpty else { return }
    let changes = (0..<(1 << random.below(10))).map { _ -> Change in
      let tree = trees[random.below(trees.count)]
      var keyBytes = SplitMix64(seed: UInt64(random.below(limits.keys)))
      let key = keyBytes.bytes(1 + keyBytes.below(limits.keyBytes))
      if random.chance(limits.deletes, in: 16) { return .delete(tree: tree, key: key) }
      let isLarge = random.chance(1, in: 200)
      let count = random.below(isLarge ? 150_000 : limits.valueBytes)
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
}
