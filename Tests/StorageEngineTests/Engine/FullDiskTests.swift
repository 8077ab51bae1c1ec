// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// A commit reserves what its checkpoint will need: once acknowledged, nothing asks for space.
struct FullDiskTests {
  static let runs = TestEnvironment.count("RECORD_STORE_FULL_DISK_RUNS", quick: 16)

  @Test(arguments: 0..<runs)
  func `a disk that is full from now on stops no checkpoint, close, recovery or opening`(
    _ number: Int
  ) throws {
    let seed = TestEnvironment.seed &+ UInt64(number)
    var random = SplitMix64(seed: seed)
    let disk = SimulatedDisk()
    var model = Model()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")], to: &model)
    for _ in 0..<(1 + random.below(25)) {
      try store.commit(changes(&random), to: &model)
      if random.chance(1, in: 6) { try store.database.checkpoint() }
    }
    do {
      try verify(store, disk, model, &random)
    } catch {
      throw TestFailure("RECORD_STORE_SEED=\(seed): \(error)")
    }
  }

  private func changes(_ random: inout SplitMix64) -> [Change] {
    switch random.below(6) {
    case 0: [Workload.put("main", "large \(random.below(4))", random.bytes(random.below(900_000)))]
    case 1: (0..<200).map { _ in Workload.delete("main", "key \(random.below(300))") }
    case 2: (0..<600).map { _ in Workload.put("main", "\(random.below(90_000))", [1]) }
    default: Workload.puts(1 + random.below(150), of: 0...1000, &random)
    }
  }

  private func verify(
    _ store: TestStore, _ disk: SimulatedDisk, _ model: Model, _ random: inout SplitMix64
  ) throws {
    disk.setCapacity(disk.image.length)
    // As a crash leaves it: recovery has to fold the whole log into the pages.
    let cut = disk.crashed(.keepAll)
    cut.setCapacity(disk.image.length)
    let recovered = try TestStore(opening: cut)
    try model.verify(try recovered.database.snapshot())
    try recovered.checkTwiceAndClose()

    if random.chance(1, in: 2) { try store.database.checkpoint() }
    if random.chance(1, in: 2) { try store.database.checkpoint() }
    try model.verify(try store.database.snapshot())
    try store.checkTwiceAndClose()
  }

  @Test(arguments: Array(stride(from: 3_200_000, to: 9_000_000, by: 290_000)))
  func `a disk that is full at any size leaves the store usable`(_ capacity: Int) throws {
    let disk = SimulatedDisk(capacity: UInt64(capacity / 4096 * 4096))
    var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(capacity))
    var model = Model()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")], to: &model)
    for round in 0..<60 {
      do {
        try store.commit(changes(&random), to: &model)
      } catch EngineError.outOfSpace {}
      do {
        if round % 7 == 6 { try store.database.checkpoint() }
        if round % 20 == 19 {
          try store.check()
          try store.reopen()
        }
        try model.verify(try store.database.snapshot())
      } catch {
        throw TestFailure("after round \(round): \(error)")
      }
    }
    disk.setCapacity(1 << 30)
    try store.commit([Workload.put("main", "after", random.bytes(500_000))], to: &model)
    try model.verify(try store.database.snapshot())
    try store.checkTwiceAndClose()
  }

  /// The log of the large one found room, its pages did not.
  @Test
  func `a commit for which there was no room takes none from a smaller one`() throws {
    let disk = SimulatedDisk()
    var random = SplitMix64(seed: TestEnvironment.seed)
    var model = Model()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")], to: &model)
    try store.database.checkpoint()
    disk.setCapacity(disk.image.length + 12 << 20)
    func puts(_ megabytes: Int) -> [Change] {
      (0..<megabytes << 10).map { Workload.put("main", Workload.key(0, $0), random.bytes(1000)) }
    }
    #expect(throws: EngineError.outOfSpace) { try store.commit(puts(8)) }
    try store.commit(puts(4), to: &model)
    try model.verify(try store.database.snapshot())
    try store.checkTwiceAndClose()
  }

  /// What is deleted gives room, so deleting must not need what is not there.
  @Test(arguments: [10, 16, 24])
  func `on a full disk everything can be deleted, and then written again`(_ megabytes: Int) throws {
    let disk = SimulatedDisk(capacity: UInt64(megabytes << 20))
    try withStore(on: disk) { store in
      var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(megabytes))
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      let keys = try fillUp(store, &model, &random)
      for key in keys { try store.commit([Workload.delete("main", key)], to: &model) }
      try model.verify(try store.database.snapshot())
      for part in 0..<10 {
        let puts = (0..<100).map { Workload.put("main", "\(part) \($0)", random.bytes(1000)) }
        try store.commit(puts, to: &model)
      }
      try model.verify(try store.database.snapshot())
    }
  }

  /// Commits ever less at a time until nothing more fits; returns the keys that are there.
  private func fillUp(
    _ store: TestStore, _ model: inout Model, _ random: inout SplitMix64
  ) throws -> [String] {
    var keys: [String] = []
    var count = 1024
    while count > 0 {
      let new = (0..<count).map { "key \(keys.count + $0)" }
      do {
        try store.commit(
          new.map { Workload.put("main", $0, random.bytes(1000)) }, to: &model)
        keys += new
      } catch EngineError.outOfSpace {
        count /= 2
      }
    }
    return keys
  }
}
