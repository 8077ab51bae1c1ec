// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Named snapshots hold what they see, nothing else, and only as long as they are there.
struct NamedSnapshotSpaceTests {
  private static func fill(
    _ store: TestStore, _ random: inout SplitMix64, bytes: Int = 300_000
  ) throws {
    try store.commit(
      (0..<300).map { Workload.put("main", "key \($0)", random.bytes(2000)) }
        + (0..<4).map { Workload.put("main", "paged \($0)", random.bytes(40_000)) }
        + [Workload.put("main", "runs", random.bytes(bytes))])
  }

  /// What is in use, besides the log.
  private static func usedBytes(_ store: TestStore) throws -> Int {
    for round in 0..<4 {
      try store.commit([Workload.put("main", "round", [UInt8(round)])])
      try store.database.checkpoint()
    }
    let information = try store.database.information()
    return Int(information.fileBytes - information.freeBytes - information.logBytes)
  }

  @Test(arguments: [false, true], [false, true])
  func `what a dropped snapshot held is free again`(
    _ restartsBefore: Bool, _ restartsAfter: Bool
  ) throws {
    try withStore { store in
      var random = SplitMix64(seed: 1)
      try store.commit([.createTree("main")])
      try Self.fill(store, &random)
      let before = try Self.usedBytes(store)
      try store.database.createSnapshot(named: "a")
      try Self.fill(store, &random)
      if restartsBefore { try store.reopen() }
      try Self.fill(store, &random)
      let held = try Self.usedBytes(store)
      #expect(held > before * 9 / 5)
      #expect(held < before * 23 / 10)
      let pages = try store.database.information().snapshotPages
      #expect(abs(pages * 4096 - (held - before)) < 100_000)
      try store.database.dropSnapshot(named: "a")
      if restartsAfter { try store.reopen() }
      let after = try Self.usedBytes(store)
      #expect(abs(after - before) < 100_000)
      #expect(try store.database.information().snapshotPages == 0)
    }
  }

  @Test
  func `what came and went behind a snapshot is not held by it`() throws {
    try withStore { store in
      var random = SplitMix64(seed: 2)
      try store.commit([.createTree("main"), Workload.put("main", "k", [1])])
      try store.database.createSnapshot(named: "a")
      var used: [Int] = []
      for round in 0..<12 {
        try Self.fill(store, &random)
        if round == 6 { try store.reopen() }
        used.append(try Self.usedBytes(store))
        #expect(try store.database.information().snapshotPages <= 3)
        try store.check()
      }
      #expect(used[11] <= used[1] + 300_000)
    }
  }

  @Test
  func `a tree that came and went behind a snapshot is not held by it`() throws {
    try withStore { store in
      var random = SplitMix64(seed: 3)
      try store.commit([.createTree("main")])
      try store.database.createSnapshot(named: "a")
      try Self.fill(store, &random)
      try store.database.createSnapshot(named: "b")
      // Read back from the disk, so that nothing in memory tells how old a page is.
      try store.reopen()
      try store.commit([.dropTree("main"), .createTree("main")])
      let held = try Self.usedBytes(store)
      try store.check()
      try store.database.dropSnapshot(named: "b")
      let after = try Self.usedBytes(store)
      #expect(after < held - 1_000_000)
      #expect(try store.database.information().snapshotPages <= 3)
      try store.check()
    }
  }

  @Test
  func `the file shrinks when a snapshot was dropped`() throws {
    try withStore { store in
      var random = SplitMix64(seed: 4)
      try store.commit([.createTree("main")])
      for _ in 0..<4 {
        try Self.fill(store, &random, bytes: 3_000_000)
      }
      let before = try store.database.compact().bytesAfter
      try store.database.createSnapshot(named: "a")
      try Self.fill(store, &random, bytes: 4_000_000)
      try store.reopen()
      try store.commit([Workload.delete("main", "runs")])
      _ = try store.database.compact()
      try store.database.dropSnapshot(named: "a")
      #expect(try store.database.compact().bytesAfter <= before)
    }
  }

  @Test
  func `a compaction leaves what a snapshot sees where it is`() throws {
    try withStore { store in
      var random = SplitMix64(seed: 5)
      var model = Model()
      try store.commit([.createTree("main"), .createTree("filler")], to: &model)
      for round in 0..<8 {
        let filler = (0..<300).map {
          Workload.put("filler", "\(round) \($0)", random.bytes(2000))
        }
        let kept = [
          Workload.put("main", "runs \(round)", random.bytes(200_000)),
          Workload.put("main", "paged \(round)", random.bytes(30_000)),
          Workload.put("main", "inline \(round)", random.bytes(900)),
        ]
        try store.commit(filler + kept, to: &model)
      }
      try store.database.createSnapshot(named: "a")
      let kept = model
      try store.commit([.dropTree("filler")], to: &model)
      try store.database.dropSnapshot(named: "a")
      try store.commit([.createTree("filler")], to: &model)
      try store.database.createSnapshot(named: "b")
      let second = model
      let pages = try store.database.information().snapshotPages
      let moved = try store.database.compact()
      #expect(moved.leavesMoved <= 1)
      #expect(try store.database.information().snapshotPages <= pages + 10)
      try second.verify(try store.database.snapshot(named: "b"))
      try model.verify(try store.database.snapshot())
      #expect(kept != second)
      try store.database.dropSnapshot(named: "b")
      #expect(try store.database.compact().bytesAfter < moved.bytesAfter)
    }
  }

  @Test
  func `pages are not looked for over and over that a snapshot keeps from being moved`() throws {
    let disk = SimulatedDisk()
    try withStore(on: disk, adjust: { $0.checkpointBytes = 64 << 10 }) { store in
      var random = SplitMix64(seed: 6)
      try store.commit([.createTree("filler"), .createTree("main")])
      for round in 0..<25 {
        try store.commit(
          (0..<400).map { Workload.put("filler", "\(round) \($0)", random.bytes(900)) })
      }
      for round in 0..<25 {
        try store.commit(
          (0..<400).map { Workload.put("main", "\(round) \($0)", random.bytes(900)) })
      }
      try store.commit([.dropTree("filler")])
      try store.database.createSnapshot(named: "a")
      var calls: [Int] = []
      for _ in 0..<12 {
        let before = disk.calls
        try store.commit(
          (0..<2).map { Workload.put("main", "0 \($0)", random.bytes(60_000)) })
        #expect(store.scheduler.runAll() == 1)
        calls.append(disk.calls - before)
      }
      #expect(calls.suffix(6).allSatisfy { $0 < 200 }, "\(calls)")
    }
  }

  @Test(arguments: 0..<6)
  func `a full disk keeps no name that was refused, and loses none that was given`(
    _ number: Int
  ) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    var random = SplitMix64(seed: UInt64(number))
    var model = Model()
    try store.commit([.createTree("main")], to: &model)
    disk.setCapacity(4_000_000 + UInt64(number) * 4096 * 70)
    var kept: [String: Model] = [:]
    var refused = 0
    for round in 0..<80 where refused < 5 {
      do {
        try store.commit(Workload.puts(30, of: 500...2000, &random), to: &model)
        try store.database.createSnapshot(named: "\(round)")
        kept["\(round)"] = model
      } catch EngineError.outOfSpace {
        refused += 1
      } catch NamedSnapshotError.engine(.outOfSpace) {
        refused += 1
      }
    }
    #expect(refused == 5)
    for _ in 0..<2 {
      #expect(Set(try store.database.namedSnapshots().map(\.name)) == Set(kept.keys))
      for (name, model) in kept { try model.verify(try store.database.snapshot(named: name)) }
      try model.verify(try store.database.snapshot())
      try store.check()
      try store.reopen()
    }
    disk.setCapacity(1 << 40)
    for name in kept.keys { try store.database.dropSnapshot(named: name) }
    try store.checkTwiceAndClose()
  }
}
