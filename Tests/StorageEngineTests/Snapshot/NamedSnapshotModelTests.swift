// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Several named snapshots beside random work, each compared with a model of its own.
struct NamedSnapshotModelTests {
  /// A store and what it and its snapshots should hold.
  private final class Run {
    let store: TestStore
    var random: SplitMix64
    var model = Model()
    var kept: [String: Model] = [:]
    private var made = 0

    init(_ store: TestStore, seed: UInt64) throws {
      self.store = store
      random = SplitMix64(seed: seed)
      try store.commit([.createTree("main"), .createTree("other")], to: &model)
    }

    func step() throws {
      switch random.below(14) {
      case 0: try store.reopen()
      case 1, 2: try store.database.checkpoint()
      case 3, 4: try keep()
      case 5, 6: try giveUp()
      case 7: try store.commit([.dropTree("other"), .createTree("other")], to: &model)
      case 8: try large()
      case 9: if random.below(4) == 0 { _ = try store.database.compact() }
      default:
        try store.commit(
          Workload.puts(1 + random.below(60), of: 0...1500, &random)
            + (0..<20).map { _ in Workload.delete("main", "key \(random.below(300))") },
          to: &model)
      }
    }

    private func keep() throws {
      guard kept.count < 5 else { return }
      made += 1
      try store.database.createSnapshot(named: "name \(made)")
      kept["name \(made)"] = model
    }

    private func giveUp() throws {
      guard let name = kept.keys.sorted().randomElement(using: &random) else { return }
      try store.database.dropSnapshot(named: name)
      kept[name] = nil
    }

    /// Values in pages and in runs, long lists of runs included, that are replaced now and then.
    private func large() throws {
      let tree = random.chance(1, in: 2) ? "main" : "other"
      try store.commit(
        [
          Workload.put(tree, "paged \(random.below(4))", random.bytes(2000 + random.below(40_000))),
          Workload.put(
            tree, "runs \(random.below(3))", random.bytes(66_000 + random.below(200_000))),
          Workload.delete(tree, "paged \(random.below(4))"),
        ], to: &model)
    }

    func verify() throws {
      try model.verify(try store.database.snapshot())
      #expect(Set(try store.database.namedSnapshots().map(\.name)) == Set(kept.keys))
      for (name, model) in kept { try model.verify(try store.database.snapshot(named: name)) }
      try store.check()
    }
  }

  @Test(arguments: 0..<8)
  func `each reads as it did when it was made`(_ number: Int) throws {
    let seed = TestEnvironment.seed &+ UInt64(number)
    try withStore(adjust: { $0.checkpointBytes = 256 << 10 }) { store in
      let run = try Run(store, seed: seed)
      for round in 0..<TestEnvironment.count("RECORD_STORE_SNAPSHOT_STEPS", quick: 120) {
        do {
          try run.step()
          if round % 3 == 0 { try run.verify() }
        } catch {
          throw TestFailure("round \(round), RECORD_STORE_SEED=\(seed): \(error)")
        }
      }
      try run.verify()
      for name in run.kept.keys.sorted().reversed() {
        try store.database.dropSnapshot(named: name)
        run.kept[name] = nil
        try run.verify()
      }
    }
  }
}
