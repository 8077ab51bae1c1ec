// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Keys and values of every length.
struct EntryTests {
  @Test(arguments: [0, 1025, 5000])
  func `keys of impossible length are refused`(_ length: Int) throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      let key = [UInt8](repeating: 1, count: length)
      #expect(throws: EngineError.invalidKeyLength(length: length, limit: 1024)) {
        try store.commit([.put(tree: "main", key: key, value: [])])
      }
    }
  }

  @Test
  func `values above the limit are refused`() throws {
    let limit = 1 << 30
    // Never touched, so that it costs no memory.
    let value = unsafe [UInt8](unsafeUninitializedCapacity: limit + 1) { _, count in
      count = limit + 1
    }
    try withStore { store in
      try store.commit([.createTree("main")])
      #expect(throws: EngineError.valueTooLong(length: limit + 1, limit: limit)) {
        try store.commit([.put(tree: "main", key: [1], value: value)])
      }
    }
  }

  @Test
  func `a value at the limit is kept`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      var value = [UInt8](repeating: 0, count: 1 << 30)
      for place in stride(from: 0, to: value.count, by: 4093) {
        value[place] = UInt8(truncatingIfNeeded: place >> 12)
      }
      var database = try Database.create(at: path)
      try database.write { transaction in
        try transaction.put(value, forKey: [1], in: transaction.createTree(named: "main"))
      }
      try database.close()
      database = try Database.open(at: path)
      let view = try database.snapshot()
      let tree = try #require(try view.tree(named: "main"))
      #expect(try view.value(forKey: [1], in: tree) == value)
      view.close()
      try database.close()
    }
  }

  @Test(arguments: [4096, 8192, 65_536])
  func `the longest keys fill trees of several levels`(_ pageBytes: Int) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withStore(pageBytes: pageBytes) { store in
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      for _ in 0..<6 {
        let changes = (0..<60).map { _ -> Change in
          let key = [UInt8](repeating: 7, count: 1020) + random.bytes(4)
          return .put(tree: "main", key: key, value: random.bytes(random.below(20)))
        }
        try store.commit(changes, to: &model)
      }
      try model.verify(try store.database.snapshot())
      try store.reopen()
      try model.verify(try store.database.snapshot())
    }
  }

  @Test(arguments: [4096, 8192, 65_536])
  func `values of every length around the limits are kept`(_ pageBytes: Int) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    var lengths = Array(0..<40)
    for around in [256, 512, 1024, 2048, 4096, 8192, 16_384, 65_536, 1 << 20] {
      lengths += [-130, -65, -33, -17, -16, -9, -8, -1, 0, 1, 8, 16, 100].map { around + $0 }
    }
    try withStore(pageBytes: pageBytes) { store in
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      let changes = lengths.map { Workload.put("main", "length \($0)", random.bytes($0)) }
      try store.commit(changes, to: &model)
      try model.verify(try store.database.snapshot())
      try store.reopen()
      try model.verify(try store.database.snapshot())
      // Each value changes its length, so that it moves between its ways of being stored.
      let others = zip(lengths, lengths.shuffled(using: &random)).map {
        Workload.put("main", "length \($0)", random.bytes($1))
      }
      try store.commit(others, to: &model)
      try store.database.checkpoint()
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `keys are ordered by their bytes`() throws {
    try withStore { store in
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      var keys: [[UInt8]] = (0...255).map { [UInt8($0)] }
      keys += (0...255).map { [0xFF, UInt8($0)] } + (0...255).map { [0, UInt8($0)] }
      for length in 1...40 {
        keys.append([UInt8](repeating: 0, count: length))
        keys.append([UInt8](repeating: 0xFF, count: length))
        keys.append([UInt8](repeating: 0x80, count: length) + [0])
      }
      try store.commit(keys.map { .put(tree: "main", key: $0, value: $0) }, to: &model)
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `within one transaction the last change of a key counts`() throws {
    try withStore { store in
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      var random = SplitMix64(seed: TestEnvironment.seed)
      let changes = (0..<2000).map { _ -> Change in
        let key = "k\(random.below(50))"
        return random.chance(1, in: 3)
          ? Workload.delete("main", key)
          : Workload.put("main", key, random.bytes(random.below(200)))
      }
      try store.commit(changes, to: &model)
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `deleting what is not there changes nothing`() throws {
    try withStore { store in
      var model = Model()
      try store.commit(
        [.createTree("main"), Workload.put("main", "k", [1])], to: &model)
      try store.commit([Workload.delete("main", "j"), Workload.delete("main", "kk")], to: &model)
      try model.verify(try store.database.snapshot())
      try store.commit([Workload.delete("main", "k")], to: &model)
      try store.commit([Workload.delete("main", "k")], to: &model)
      try model.verify(try store.database.snapshot())
    }
  }
}

extension TestStore {
  /// Commits and makes the same changes in a model.
  func commit(_ changes: [Change], to model: inout Model) throws {
    try commit(changes)
    model.apply(changes)
  }
}
