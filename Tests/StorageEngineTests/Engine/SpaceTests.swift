// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// What the file costs, and what happens when there is no more room.
struct SpaceTests {
  @Test
  func `space that was freed is used again`() throws {
    try withStore { store in
      var random = SplitMix64(seed: TestEnvironment.seed)
      try store.commit([.createTree("main")])
      var bytes: [UInt64] = []
      for _ in 0..<60 {
        try store.commit((0..<300).map { Workload.put("main", "key \($0)", random.bytes(1500)) })
        try store.database.checkpoint()
        bytes.append(try store.database.information().fileBytes)
      }
      #expect(bytes[59] <= bytes[20] + 1 << 20, "\(bytes)")
    }
  }

  @Test
  func `space of large values is used again`() throws {
    try withStore { store in
      var random = SplitMix64(seed: TestEnvironment.seed)
      try store.commit([.createTree("main")])
      var bytes: [UInt64] = []
      for round in 0..<30 {
        try store.commit([Workload.put("main", "large", random.bytes(2_000_000 + round * 1000))])
        if round % 2 == 1 { try store.database.checkpoint() }
        bytes.append(try store.database.information().fileBytes)
      }
      #expect(bytes[29] <= bytes[12] + 4 << 20, "\(bytes)")
    }
  }

  @Test
  func `every checkpoint is whole while a map of several pages becomes shorter`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      // A page of the map has 100 extents.
      try store.commit([Workload.put("main", "large", [UInt8](repeating: 7, count: 130 << 20))])
      try store.commit([.delete(tree: "main", key: Array("large".utf8))])
      var fault: (any Error)?
      let report = try store.database.compact {
        // What a crash between two checkpoints leaves is all that is known of the pages in use.
        do {
          try TestStore(opening: SimulatedDisk(store.disk.image)).checkTwiceAndClose()
        } catch {
          fault = error
        }
        return fault == nil
      }
      #expect(fault == nil)
      #expect(report.bytesBefore > 130 << 20 && report.bytesAfter < 10 << 20)
    }
  }

  @Test
  func `more branches than the cache has pages may change between two checkpoints`() throws {
    try withStore { store in
      // 1024 pages are in memory. Each tree has a branch.
      let value = [UInt8](repeating: 1, count: 900)
      for start in stride(from: 0, to: 1100, by: 50) {
        for tree in start..<start + 50 {
          try store.commit(
            [.createTree("t\(tree)")]
              + (0..<8).map { Workload.put("t\(tree)", "k\($0)", value) }, durability: .manual)
        }
        try store.database.checkpoint()
      }
      try store.commit((0..<1100).map { Workload.put("t\($0)", "k0", [2]) })
      try store.commit((0..<1100).map { Workload.put("t\($0)", "k1", [3]) })
      try store.database.read { view in
        for tree in 0..<1100 {
          let id = try #require(try view.tree(named: "t\(tree)"))
          #expect(try view.value(forKey: Array("k0".utf8), in: id) == [2])
          #expect(try view.value(forKey: Array("k1".utf8), in: id) == [3])
          #expect(try view.value(forKey: Array("k7".utf8), in: id) == value)
        }
      }
      // Recovery has as little room.
      let copy = try TestStore(opening: SimulatedDisk(store.disk.image))
      try copy.checkTwiceAndClose()
    }
  }

  @Test
  func `the branches of a tall tree may be more than the cache has pages`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      var random = SplitMix64(seed: TestEnvironment.seed)
      // Four of them fill a page, and between the two of a pair only a key of all its bytes can
      // stand: so a branch has few leaves.
      let keys = (0..<6000).flatMap { _ in
        let start = random.bytes(900)
        return [start + [1], start + [2]]
      }
      for start in stride(from: 0, to: keys.count, by: 500) {
        try store.commit(
          keys[start..<start + 500].map { .put(tree: "main", key: $0, value: [1]) })
        try store.database.checkpoint()
      }
      for round in 2..<4 {
        try store.commit(keys.map { .put(tree: "main", key: $0, value: [UInt8(round)]) })
        let copy = try TestStore(opening: SimulatedDisk(store.disk.image))
        for database in [store.database, copy.database] {
          try database.read { view in
            let tree = try #require(try view.tree(named: "main"))
            for key in keys { #expect(try view.value(forKey: key, in: tree) == [UInt8(round)]) }
          }
        }
        try copy.checkTwiceAndClose()
      }
    }
  }

  @Test
  func `space that only a snapshot needs is used again after it`() throws {
    try withStore { store in
      var random = SplitMix64(seed: TestEnvironment.seed)
      try store.commit([.createTree("main")])
      func rewrite() throws {
        try store.commit((0..<300).map { Workload.put("main", "key \($0)", random.bytes(1500)) })
        try store.database.checkpoint()
      }
      for _ in 0..<10 {
        let view = try store.database.snapshot()
        for _ in 0..<5 { try rewrite() }
        view.close()
      }
      let bytes = try store.database.information().fileBytes
      for _ in 0..<4 {
        let view = try store.database.snapshot()
        for _ in 0..<5 { try rewrite() }
        view.close()
      }
      #expect(try store.database.information().fileBytes <= bytes + 1 << 20)
    }
  }

  @Test
  func `more data than the cache holds`() throws {
    try withStore { store in
      var random = SplitMix64(seed: TestEnvironment.seed)
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      for round in 0..<30 {
        try store.commit(
          (0..<500).map { _ in
            Workload.put("main", "key \(random.below(20_000))", random.bytes(900))
          }, to: &model)
        store.scheduler.runAll()
        if round % 5 == 0 { try store.database.checkpoint() }
      }
      try model.verify(try store.database.snapshot())
      try store.reopen()
      try model.verify(try store.database.snapshot())
    }
  }

  @Test(arguments: [4096, 16_384])
  func `one transaction larger than the cache`(_ pageBytes: Int) throws {
    try withStore(pageBytes: pageBytes) { store in
      var random = SplitMix64(seed: TestEnvironment.seed)
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      for _ in 0..<2 {
        try store.commit(
          (0..<40_000).map { _ in
            Workload.put("main", "key \(random.below(60_000))", random.bytes(200))
          }, to: &model)
      }
      try model.verify(try store.database.snapshot())
      try store.commit(
        (0..<60_000).map { Workload.delete("main", "key \($0)") }, to: &model)
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `a full disk refuses, changes nothing, and goes on when there is room`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let disk = SimulatedDisk(capacity: 6 << 20)
    try withStore(on: disk) { store in
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      var refusals = 0
      for round in 0..<200 where refusals < 3 {
        let changes = (0..<50).map { Workload.put("main", "\(round) \($0)", random.bytes(1000)) }
        do {
          try store.commit(changes, to: &model)
          if round % 8 == 7 { try store.database.checkpoint() }
        } catch EngineError.outOfSpace {
          refusals += 1
        }
        try model.verify(try store.database.snapshot())
      }
      #expect(refusals == 3)
      disk.setCapacity(64 << 20)
      try store.commit([Workload.put("main", "after", random.bytes(300_000))], to: &model)
      try store.database.checkpoint()
      try model.verify(try store.database.snapshot())
      try store.reopen()
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `a disk too small for a store refuses its creation`() throws {
    for capacity in stride(from: 0, through: 1 << 20, by: 128 << 10) {
      let disk = SimulatedDisk(capacity: UInt64(capacity))
      #expect(throws: EngineError.outOfSpace, "\(capacity) bytes") { _ = try TestStore(on: disk) }
    }
  }
}
