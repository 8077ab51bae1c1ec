// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// A file that gives back what it does not need.
struct CompactionTests {
  private static func fill(_ store: TestStore, _ model: inout Model, rounds: Int) throws {
    try store.commit([.createTree("main")], to: &model)
    var random = SplitMix64(seed: 5)
    for round in 0..<rounds {
      let changes = (0..<100).map {
        Workload.put("main", Workload.key(round, $0), random.bytes(1000 + random.below(9000)))
      }
      try store.commit(
        changes + [Workload.put("main", "large \(round)", random.bytes(200_000))], to: &model)
    }
  }

  private static func remove(
    _ store: TestStore, _ model: inout Model, rounds: Range<Int>, keeping: Int
  ) throws {
    for round in rounds {
      var changes = (0..<100).filter { $0 % 100 >= keeping }.map {
        Workload.delete("main", Workload.key(round, $0))
      }
      if keeping == 0 { changes.append(Workload.delete("main", "large \(round)")) }
      try store.commit(changes, to: &model)
    }
  }

  @Test(arguments: [0, 1, 5])
  func `a compaction that is told to stop does so, and leaves everything whole`(
    steps: Int
  ) throws {
    try withStore { store in
      var model = Model()
      try Self.fill(store, &model, rounds: 20)
      try store.database.checkpoint()
      try Self.remove(store, &model, rounds: 0..<20, keeping: 3)
      var asked = 0
      let stopped = try store.database.compact(while: {
        asked += 1
        return asked <= steps
      })
      // Asked once more by each of the loops that it leaves.
      #expect(asked <= steps + 3)
      if steps == 0 { #expect(stopped.bytesAfter == stopped.bytesBefore) }
      try model.verify(try store.database.snapshot())
      let whole = try store.database.compact()
      #expect(whole.bytesAfter < stopped.bytesAfter)
      try model.verify(try store.database.snapshot())
    }
  }

  @Test(arguments: [0, 3])
  func `the file shrinks to what is left in it`(keeping: Int) throws {
    try withStore { store in
      var model = Model()
      try Self.fill(store, &model, rounds: 20)
      try store.database.checkpoint()
      let full = try store.database.information().fileBytes
      try Self.remove(store, &model, rounds: 0..<20, keeping: keeping)
      let report = try store.database.compact()
      let left = model.trees["main"]?.values.reduce(0) { $0 + $1.count } ?? 0
      #expect(report.bytesBefore >= full)
      #expect(report.bytesAfter == (try store.database.information().fileBytes))
      #expect(report.bytesAfter <= UInt64(left * 5 / 4 + 8 << 20))
      #expect(report.bytesAfter < full / 2)
      try model.verify(try store.database.snapshot())
      try store.reopen()
      try model.verify(try store.database.snapshot())
    }
  }

  /// The pages of what was deleted are still held when the file is closed.
  @Test
  func `what was deleted before the file was closed is given back after it is opened`() throws {
    try withStore { store in
      var model = Model()
      try Self.fill(store, &model, rounds: 20)
      try store.database.checkpoint()
      try Self.remove(store, &model, rounds: 0..<20, keeping: 0)
      try store.database.checkpoint()
      try store.reopen()
      let report = try store.database.compact()
      #expect(report.bytesAfter <= 8 << 20)
      try model.verify(try store.database.snapshot())
    }
  }

  /// A load of 10 MB in one transaction, whose log would be kept for the next, and deletes that leave
  /// a few entries in each leaf.
  @Test
  func `one compaction moves all that can be moved, and keeps no log in store`() throws {
    try withStore { store in
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      var random = SplitMix64(seed: 3)
      try store.commit(
        (0..<60_000).map { Workload.put("main", Workload.key($0 / 100, $0), random.bytes(150)) },
        to: &model)
      try store.database.checkpoint()
      for part in 0..<10 {
        let deletes = (0..<60_000).filter { $0 % 10 != 0 && $0 % 10 == part }
        try store.commit(
          deletes.map { Workload.delete("main", Workload.key($0 / 100, $0)) }, to: &model)
      }
      let first = try store.database.compact()
      let pages = UInt64(try store.database.check().pagesRead)
      #expect(first.bytesAfter <= pages * 8192 + 8 << 20)
      let second = try store.database.compact()
      #expect(second.bytesAfter + 1 << 20 >= first.bytesAfter)
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `the file shrinks by itself as checkpoints come`() throws {
    try withStore(adjust: { $0.checkpointBytes = 1 << 20 }) { store in
      var model = Model()
      try Self.fill(store, &model, rounds: 20)
      try store.database.checkpoint()
      let full = try store.database.information().fileBytes
      try Self.remove(store, &model, rounds: 0..<19, keeping: 1)
      var random = SplitMix64(seed: 9)
      // The log leaves the end of the file as it goes on.
      for round in 0..<100 {
        let change = Workload.put("main", "small \(round % 4)", random.bytes(60_000))
        try store.commit([change], to: &model)
        store.scheduler.runAll()
      }
      #expect(try store.database.information().fileBytes < full / 2)
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `what an open snapshot sees stays while the file is compacted`() throws {
    try withStore { store in
      var model = Model()
      try Self.fill(store, &model, rounds: 10)
      let before = model
      let view = try store.database.snapshot()
      try Self.remove(store, &model, rounds: 0..<10, keeping: 2)
      _ = try store.database.compact()
      try before.verify(view)
      try model.verify(try store.database.snapshot())
      view.close()
      let full = try store.database.information().fileBytes
      _ = try store.database.compact()
      #expect(try store.database.information().fileBytes < full)
      try model.verify(try store.database.snapshot())
    }
  }

  /// Values in one run of pages each, of which the last one's was the only one in the last extent.
  @Test
  func `a large value at the end of the file is moved into free extents below`() throws {
    try withStore { store in
      var model = Model()
      var random = SplitMix64(seed: 4)
      try store.commit([.createTree("main")], to: &model)
      for number in 0..<60 {
        try store.commit(
          [Workload.put("main", "large \(number)", random.bytes(700_000))], to: &model)
      }
      try store.commit((3..<59).map { Workload.delete("main", "large \($0)") }, to: &model)
      let report = try store.database.compact()
      #expect(report.bytesAfter < 14 << 20, "\(report)")
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `a store that is closed keeps no log of what was folded in`() throws {
    try withStore { store in
      var model = Model()
      var random = SplitMix64(seed: 4)
      try store.commit([.createTree("main")], to: &model)
      for _ in 0..<4 {
        for round in 0..<6 {
          let changes = (0..<200).map {
            Workload.put("main", Workload.key(round, $0), random.bytes(6000))
          }
          try store.commit(changes, to: &model)
        }
        try store.reopen()
        #expect(try store.database.information().logBytes <= 3 << 20)
      }
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `a full disk does not keep a file from being compacted`() throws {
    let disk = SimulatedDisk()
    try withStore(on: disk) { store in
      var model = Model()
      try Self.fill(store, &model, rounds: 20)
      try store.database.checkpoint()
      disk.setCapacity(disk.image.length)
      try Self.remove(store, &model, rounds: 0..<20, keeping: 10)
      let full = disk.image.length
      let report = try store.database.compact()
      #expect(report.bytesAfter < full / 2, "\(report)")
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `reads and commits go on while the file is compacted`() throws {
    try withStore { store in
      var model = Model()
      try Self.fill(store, &model, rounds: 10)
      try Self.remove(store, &model, rounds: 0..<9, keeping: 1)
      let database = store.database
      let kept = model
      try runThreads(3) { thread in
        switch thread {
        case 0: for _ in 0..<3 { _ = try database.compact() }
        case 1:
          for round in 0..<60 {
            try database.write { transaction in
              let tree = try #require(try transaction.tree(named: "main"))
              try transaction.put([UInt8(round)], forKey: [255, UInt8(round)], in: tree)
            }
          }
        default:
          for _ in 0..<10 {
            let view = try database.snapshot()
            let tree = try #require(try view.tree(named: "main"))
            for (key, value) in kept.trees["main"] ?? [:] {
              #expect(try view.value(forKey: key, in: tree) == value)
            }
          }
        }
      }
    }
  }

  @Test
  func `a compaction changes nothing that transactions could be at odds with`() throws {
    try withStore { store in
      var model = Model()
      try Self.fill(store, &model, rounds: 6)
      try Self.remove(store, &model, rounds: 0..<5, keeping: 1)
      let transaction = try store.database.begin(TransactionOptions(strategy: .serializable))
      let tree = try #require(try transaction.tree(named: "main"))
      #expect(try transaction.count(of: tree) > 0)
      try transaction.put([1], forKey: Array(Workload.key(5, 1).utf8), in: tree)
      _ = try store.database.compact()
      try transaction.commit()
    }
  }
}
