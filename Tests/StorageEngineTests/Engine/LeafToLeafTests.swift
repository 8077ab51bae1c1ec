// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Changes of one transaction that go from leaf to leaf of a tall tree.
struct LeafToLeafTests {
  private static let count = 40_000

  private func filled() throws -> (TestStore, Model) {
    let store = try TestStore()
    var model = Model()
    try store.commit([.createTree("main")], to: &model)
    try store.commit(
      (0..<Self.count).map { Workload.put("main", Workload.key(0, $0 * 2), [1, 2, 3]) }, to: &model)
    #expect(try store.database.information().trees.first { $0.name == "main" }?.height ?? 0 > 2)
    return (store, model)
  }

  /// With steps of which some change every leaf once, and some pass over whole branches.
  @Test(arguments: [1, 23, 170, 900, 7001, 20_001])
  func `changes of every so many keys go where they belong`(step: Int) throws {
    let (store, initial) = try filled()
    var model = initial
    func key(_ number: Int) -> String { Workload.key(0, number) }
    let numbers = Array(stride(from: 0, to: Self.count, by: step))
    // In place; longer values; new keys; keys that are there, and not there, deleted between puts.
    try store.commit(numbers.map { Workload.put("main", key($0 * 2), [3, 2, 1]) }, to: &model)
    let long = [UInt8](repeating: 7, count: 90)
    try store.commit(numbers.map { Workload.put("main", key($0 * 2), long) }, to: &model)
    try store.commit(numbers.map { Workload.put("main", key($0 * 2 + 1), [4]) }, to: &model)
    try store.commit(
      numbers.enumerated().map { place, number in
        switch place % 4 {
        case 0: Workload.delete("main", key(number * 2 + 3))
        case 1: Workload.put("main", key(number * 2), [5])
        case 2: Workload.delete("main", key(number * 2 + 1))
        default: Workload.put("main", key(number * 2 + 1), [UInt8](repeating: 6, count: 300))
        }
      }, to: &model)
    try model.verify(try store.database.snapshot())
    try store.checkTwiceAndClose()
  }

  @Test(arguments: 0..<4)
  func `random changes of two tall trees go where they belong, and are recovered`(
    round: Int
  ) throws {
    let seed = TestEnvironment.seed &+ UInt64(round)
    var random = SplitMix64(seed: seed)
    let (store, initial) = try filled()
    var model = initial
    try store.commit([.createTree("other")], to: &model)
    do {
      for _ in 0..<12 {
        let changes: [Change] = (0..<1 + random.below(2000)).map { _ in
          let tree = random.below(3) == 0 ? "other" : "main"
          let key = Workload.key(0, random.below(Self.count * 2))
          return random.below(3) == 0
            ? Workload.delete(tree, key)
            : Workload.put(tree, key, random.bytes(random.below(400)))
        }
        try store.commit(changes, to: &model)
      }
      try model.verify(try store.database.snapshot())
      let recovered = try TestStore(opening: store.disk.crashed(.keepAll))
      try model.verify(try recovered.database.snapshot())
      try recovered.checkTwiceAndClose()
      try store.checkTwiceAndClose()
    } catch {
      throw TestFailure("RECORD_STORE_SEED=\(seed): \(error)")
    }
  }
}
