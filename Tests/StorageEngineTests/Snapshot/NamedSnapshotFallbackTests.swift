// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Damage to either superblock harms no named snapshot that was acknowledged.
struct NamedSnapshotFallbackTests {
  @Test(arguments: 0..<4)
  func `either superblock alone has every snapshot that was acknowledged`(_ number: Int) throws {
    let seed = TestEnvironment.seed &+ UInt64(number)
    var random = SplitMix64(seed: seed)
    let disk = SimulatedDisk()
    try withStore(on: disk, adjust: { $0.checkpointBytes = 256 << 10 }) { store in
      var model = Model()
      var kept: [String: Model] = [:]
      try store.commit([.createTree("main")], to: &model)
      for round in 0..<40 {
        try store.commit(changes(&random), to: &model)
        if random.chance(1, in: 3) { try store.database.checkpoint() }
        if random.chance(1, in: 3), kept.count < 4 {
          try store.database.createSnapshot(named: "\(round)")
          kept["\(round)"] = model
        } else if random.chance(1, in: 3), let name = kept.keys.sorted().first {
          try store.database.dropSnapshot(named: name)
          kept[name] = nil
        }
        for isNewest in [true, false] {
          do {
            try verify(disk, losingNewest: isNewest, model, kept)
          } catch {
            throw TestFailure(
              "round \(round), newest lost: \(isNewest), RECORD_STORE_SEED=\(seed): \(error)")
          }
        }
      }
    }
  }

  @Test
  func `what came and went since a snapshot is not held by it after a fallback`() throws {
    var random = SplitMix64(seed: 6)
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    var model = Model()
    try store.commit(
      [.createTree("main"), Workload.put("main", "old", random.bytes(80_000))], to: &model)
    try store.database.createSnapshot(named: "a")
    let kept = model
    // All of it is in the log behind the state that has the name, which recovery begins with.
    for _ in 0..<3 {
      try store.commit(
        [
          Workload.put("main", "new", random.bytes(90_000)),
          Workload.put("main", "paged", random.bytes(9000)),
        ], to: &model)
    }
    try store.commit([Workload.delete("main", "old")], to: &model)
    for losingNewest in [true, false] {
      try verify(disk, losingNewest: losingNewest, model, ["a": kept])
    }
  }

  private func changes(_ random: inout SplitMix64) -> [Change] {
    switch random.below(5) {
    case 0:
      [
        Workload.put(
          "main", "large \(random.below(3))", random.bytes(66_000 + random.below(200_000)))
      ]
    case 1: [Workload.put("main", "paged \(random.below(3))", random.bytes(20_000))]
    case 2: (0..<60).map { _ in Workload.delete("main", "key \(random.below(300))") }
    default: Workload.puts(100, of: 300...900, &random)
    }
  }

  private func verify(
    _ disk: SimulatedDisk, losingNewest: Bool, _ model: Model, _ kept: [String: Model]
  ) throws {
    var image = disk.image
    image.zero(4096, at: losingNewest ? image.newestSuperblock : 4096 - image.newestSuperblock)
    let cut = SimulatedDisk(image)
    let store = try TestStore(opening: cut)
    try model.verify(try store.database.snapshot())
    guard Set(try store.database.namedSnapshots().map(\.name)) == Set(kept.keys) else {
      throw TestFailure("has \(try store.database.namedSnapshots()), not \(kept.keys)")
    }
    for (name, model) in kept { try model.verify(try store.database.snapshot(named: name)) }
    try store.check()
    for name in kept.keys { try store.database.dropSnapshot(named: name) }
    try store.check()
    try model.verify(try store.database.snapshot())
    cut.stop(atMutation: cut.mutations)
  }
}
