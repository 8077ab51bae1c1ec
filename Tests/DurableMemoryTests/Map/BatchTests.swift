// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Changes of several entries, maps, and of records, together.
struct BatchTests {
  @Test
  func `a batch over two maps is all there after reopening, the last change of a key wins (K88)`()
    throws
  {
    try withStore { store in
      let names = try DurableMap<Int, String>(named: "names", in: store.database)
      let sizes = try DurableMap<String, [UInt8]>(named: "sizes", in: store.database)
      try names.set(3, "gone")
      var batch = DurableBatch()
      try batch.set(1, "first", in: names)
      try batch.set(1, "one", in: names)
      try batch.set("large", [UInt8](repeating: 5, count: 200_000), in: sizes)
      try batch.set("small", [1], in: sizes)
      try batch.unset(3, in: names)
      try batch.unset(4, in: names)
      try batch.set(5, "five", in: names)
      try batch.unset(5, in: names)
      #expect(batch.count == 8)
      #expect(names.count == 1)
      let before = try store.database.read { $0.lsn }
      try batch.commit()
      // One transaction of the log, which is there as a whole or not at all.
      #expect(try store.database.read { $0.lsn } == before + 1)
      #expect(try names.keys() == [1] && names.get(1) == "one")
      #expect(try sizes.get("large")?.count == 200_000)
      names.close()
      sizes.close()
      try store.reopen()
      let again = try DurableMap<Int, String>(named: "names", in: store.database)
      let sizesAgain = try DurableMap<String, [UInt8]>(named: "sizes", in: store.database)
      #expect(try again.keys() == [1] && again.get(1) == "one")
      #expect(try sizesAgain.get("large")?.count == 200_000 && sizesAgain.count == 2)
      again.close()
      sizesAgain.close()
      #expect(try store.database.durableMaps() == ["names", "sizes"])
    }
  }

  @Test
  func `a batch over maps of two databases is refused, an empty one does nothing (K88)`() throws {
    try withMap(Int.self, Int.self) { first in
      try withMap(Int.self, Int.self) { second in
        var batch = DurableBatch()
        try batch.commit()
        try batch.set(1, 1, in: first.map)
        try batch.set(1, 1, in: second.map)
        #expect(throws: DurableMapError.severalDatabases) { try batch.commit() }
        // A tree of the same number is there as well.
        try second.database.write { transaction in
          #expect(throws: DurableMapError.severalDatabases) {
            try first.map.set(1, 1, in: transaction)
          }
          #expect(throws: DurableMapError.severalDatabases) {
            try first.map.unset(1, in: transaction)
          }
        }
        #expect(first.map.isEmpty && second.map.isEmpty)
      }
    }
  }

  @Test
  func `a batch with a closed map changes none (K88)`() throws {
    try withStore { store in
      let first = try DurableMap<Int, Int>(named: "first", in: store.database)
      let second = try DurableMap<Int, Int>(named: "second", in: store.database)
      var batch = DurableBatch()
      try batch.set(1, 1, in: first)
      try batch.set(1, 1, in: second)
      second.close()
      #expect(throws: DurableMapError.closed(map: "second")) { try batch.commit() }
      #expect(first.isEmpty)
      first.close()
    }
  }

  static let lengths = [10, 1023, 1024, 3000]

  @Test(arguments: lengths, [5, 65_535, 65_536, 200_000])
  func `a map changes with a transaction of records, or not at all (K88)`(
    _ keyLength: Int, _ valueLength: Int
  ) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let key = random.bytes(keyLength)
    let value = random.bytes(valueLength)
    try withMap([UInt8].self, [UInt8].self) { fixture in
      try fixture.database.write { _ = try $0.createTree(named: "records") }
      func both(_ value: [UInt8]?, fails: Bool = false) throws {
        let map = fixture.map
        try fixture.database.write { transaction in
          guard let tree = try transaction.tree(named: "records") else { return }
          try transaction.put([1], forKey: [1], in: tree)
          if let value {
            try map.set(key, [9, 9], in: transaction)
            try map.set(key, value, in: transaction)
          } else {
            try map.unset(key, in: transaction)
          }
          if fails { throw TestFailure("on purpose") }
        }
      }
      #expect(throws: TestFailure.self) { try both(value, fails: true) }
      #expect(fixture.map.isEmpty)
      for next in [value, [1], value, nil, value, [], nil] as [[UInt8]?] {
        try both(next)
        #expect(try fixture.map.get(key) == next)
        try fixture.reopen()
        #expect(try fixture.map.get(key) == next)
        try fixture.map.set([0], [0])
        #expect(fixture.map.count == (next == nil ? 1 : 2))
      }
      try fixture.map.clear()
      try fixture.reopen()
      let left = try fixture.entriesInTree()
      #expect(left == 0)
    }
  }

  @Test
  func `parts that a transaction replaced itself are gone after reopening (K88)`() throws {
    try withMap(Int.self, [UInt8].self) { fixture in
      let map = fixture.map
      try fixture.database.write { transaction in
        for length in [400_000, 300_000, 200_000] {
          try map.set(1, [UInt8](repeating: 7, count: length), in: transaction)
        }
      }
      #expect(try map.get(1)?.count == 200_000)
      try fixture.reopen()
      #expect(try fixture.map.get(1)?.count == 200_000)
      // A head and four parts.
      let left = try fixture.entriesInTree()
      #expect(left == 5)
      // Numbers are not used again.
      try fixture.map.set(2, [UInt8](repeating: 8, count: 100_000))
      try fixture.reopen()
      #expect(try fixture.map.get(1)?.count == 200_000)
      #expect(try fixture.map.get(2)?.count == 100_000)
    }
  }

  @Test
  func `open transactions side by side change a map when they commit (K88)`() throws {
    try withMap(String.self, Int.self) { fixture in
      let map = fixture.map
      let first = try fixture.database.begin()
      let second = try fixture.database.begin()
      try map.set("a", 1, in: first)
      try map.set("b", 2, in: second)
      #expect(map.isEmpty)
      try first.commit()
      #expect(try map.get("a") == 1 && map.get("b") == nil)
      second.rollback()
      #expect(try map.keys() == ["a"])
    }
  }

  @Test
  func
    `four threads change maps by batches, transactions and alone without waiting for ever (K83)`()
    throws
  {
    try withStore { store in
      let database = store.database
      let first = try DurableMap<Int, Int>(named: "first", in: database)
      let second = try DurableMap<Int, Int>(named: "second", in: database)
      try runThreads(4) { thread in
        for step in 0..<300 {
          switch (thread + step) % 4 {
          case 0:
            var batch = DurableBatch()
            try batch.set(thread, step, in: second)
            try batch.set(thread, step, in: first)
            try batch.commit(durability: .manual)
          case 1:
            try database.write(durability: .manual) { transaction in
              try second.set(thread, step, in: transaction)
              try first.set(thread, step, in: transaction)
            }
          case 2:
            try first.set(thread, step, durability: .manual)
            try second.set(thread, step, durability: .manual)
          default:
            try first.update(thread, durability: .manual) { $0 = step }
            try second.update(thread, durability: .manual) { $0 = step }
          }
          guard try first.get(thread) == step, try second.get(thread) == step else {
            throw TestFailure("thread \(thread) does not see its step \(step)")
          }
        }
      }
      first.close()
      second.close()
    }
  }
}
