// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// The newest superblock may be lost at any moment: nothing that the older one refers to, pages or
/// log, is used again before a newer one has replaced it.
struct FallbackTests {
  @Test(arguments: 0..<4)
  func `the older superblock recovers the same state at any moment`(_ number: Int) throws {
    let seed = TestEnvironment.seed &+ UInt64(number)
    var random = SplitMix64(seed: seed)
    let disk = SimulatedDisk()
    try withStore(on: disk, adjust: { $0.checkpointBytes = 256 << 10 }) { store in
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      for round in 0..<50 {
        try store.commit(changes(&random), to: &model)
        if random.chance(1, in: 3) { try store.database.checkpoint() }
        do {
          try verifyFallback(disk.image, model)
        } catch {
          throw TestFailure("round \(round), RECORD_STORE_SEED=\(seed): \(error)")
        }
      }
    }
  }

  @Test(arguments: 0..<4)
  func `the older superblock recovers the same state at any moment of a recovery`(
    _ number: Int
  ) throws {
    let seed = TestEnvironment.seed &+ UInt64(number)
    var random = SplitMix64(seed: seed)
    let disk = SimulatedDisk()
    let store = try TestStore(
      on: disk,
      adjust: {
        $0.checkpointBytes = 256 << 10
        // Some transactions write what they change ahead, which only the log names.
        $0.transactionMemoryBytes = 64 << 10
      })
    var model = Model()
    try store.commit([.createTree("main")], to: &model)
    for round in 0..<12 {
      try store.commit(changes(&random), to: &model)
      if round % 4 == 3 { try store.database.checkpoint() }
    }
    try store.commit(changes(&random), to: &model)
    let whole = disk.crashed(.keepAll)
    _ = try TestStore(opening: whole)
    for mutation in 0...whole.mutations {
      let cut = disk.crashed(.keepAll)
      cut.stop(atMutation: mutation)
      _ = try? TestStore(opening: cut)
      do {
        try verifyFallback(cut.image, model)
      } catch {
        throw TestFailure("change \(mutation) of a recovery, RECORD_STORE_SEED=\(seed): \(error)")
      }
    }
  }

  @Test
  func `the older superblock recovers the same state at any moment of a compaction`() throws {
    let disk = SimulatedDisk(recordsHistory: true)
    try withStore(on: disk, adjust: { $0.checkpointBytes = 256 << 10 }) { store in
      var model = Model()
      var random = SplitMix64(seed: TestEnvironment.seed)
      try store.commit([.createTree("main")], to: &model)
      for number in 0..<12 {
        try store.commit(
          [Workload.put("main", "large \(number)", random.bytes(900_000))], to: &model)
      }
      try store.commit((0..<10).map { Workload.delete("main", "large \($0)") }, to: &model)
      let length = disk.image.length
      let first = disk.mutations
      for _ in 0..<3 { _ = try store.database.compact() }
      #expect(disk.image.length < length)
      for call in first...disk.mutations {
        do {
          try verifyFallback(disk.crashed(atMutation: call, .keepAll).image, model)
        } catch {
          throw TestFailure("change \(call): \(error)")
        }
      }
    }
  }

  private func changes(_ random: inout SplitMix64) -> [Change] {
    switch random.below(5) {
    // Written at once to whatever is free, in pieces where need be.
    case 0:
      [
        Workload.put(
          "main", "large \(random.below(3))", random.bytes(66_000 + random.below(300_000)))
      ]
    case 1: (0..<60).map { _ in Workload.delete("main", "key \(random.below(300))") }
    // Log for half an extent, so that it goes on to the next, and comes back.
    case 2: Workload.puts(30, of: 10...30_000, &random)
    default: Workload.puts(150, of: 500...1000, &random)
    }
  }

  private func verifyFallback(_ whole: DiskImage, _ model: Model) throws {
    var image = whole
    let sequences = [UInt64(0), 4096].map { slot in
      image.bytes(8, at: slot + 40).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    image.zero(4096, at: sequences[0] > sequences[1] ? 0 : 4096)
    let cut = SimulatedDisk(image)
    let store = try TestStore(opening: cut)
    try model.verify(try store.database.snapshot())
    try store.check()
    cut.stop(atMutation: cut.mutations)
    Tally.countCrashImage()
  }
}
