// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Ranges in both directions, over stored entries and over a transaction's own changes.
struct CursorTests {
  private static func key(_ number: Int) -> [UInt8] {
    Array(Workload.key(0, number).utf8)
  }

  private func visit(
    _ reader: any TreeReader, _ range: KeyRange, reversed: Bool
  ) throws -> [[UInt8]] {
    let tree = try #require(try reader.tree(named: "main"))
    let cursor = try reader.cursor(in: tree, range: range, reversed: reversed)
    var keys: [[UInt8]] = []
    while try cursor.next() {
      keys.append(cursor.key)
      #expect(try cursor.value() == Array(cursor.key.reversed()))
    }
    let again = try cursor.next()
    #expect(!again, "a cursor at its end stays there")
    return keys
  }

  /// Compares every sort of range with a sorted list of the keys.
  private func verifyRanges(_ reader: any TreeReader, _ keys: Set<[UInt8]>) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let sorted = keys.sorted { $0.lexicographicallyPrecedes($1) }
    func bound() -> [UInt8]? {
      switch random.below(8) {
      case 0: nil
      case 1: []
      case 2: Self.key(random.below(2200)) + [0]
      case 3: Array(Self.key(random.below(2200)).dropLast(random.below(5)))
      default: Self.key(random.below(2200))
      }
    }
    for _ in 0..<150 {
      let range = KeyRange(from: bound(), upTo: bound())
      let expected = sorted.filter { key in
        let isAfter = range.lower.map { !key.lexicographicallyPrecedes($0) } ?? true
        let isBefore = range.upper.map { key.lexicographicallyPrecedes($0) } ?? true
        return isAfter && isBefore
      }
      #expect(try visit(reader, range, reversed: false) == expected, "\(range)")
      #expect(try visit(reader, range, reversed: true) == expected.reversed(), "\(range)")
    }
    let prefix = Array(Self.key(1234).dropLast(2))
    let expected = sorted.filter { $0.starts(with: prefix) }
    #expect(try visit(reader, .prefix(prefix), reversed: false) == expected)
  }

  @Test
  func `every range is visited in both directions`() throws {
    try withStore { store in
      let numbers = (0..<2000).filter { $0 % 3 != 0 }
      let keys = Set(numbers.map(Self.key))
      try store.commit([.createTree("main")])
      try store.commit(keys.map { .put(tree: "main", key: $0, value: $0.reversed()) })
      try verifyRanges(try store.database.snapshot(), keys)
      try store.reopen()
      try verifyRanges(try store.database.snapshot(), keys)
    }
  }

  @Test
  func `a transaction's cursor shows its own changes among the others`() throws {
    try withStore { store in
      var keys = Set((0..<1000).map { Self.key($0 * 2) })
      try store.commit([.createTree("main")])
      try store.commit(keys.map { .put(tree: "main", key: $0, value: $0.reversed()) })
      try store.database.write { transaction in
        let tree = try #require(try transaction.tree(named: "main"))
        for number in stride(from: 0, to: 2000, by: 7) {
          let key = Self.key(number)
          if number % 2 == 0 {
            try transaction.delete(key, in: tree)
            keys.remove(key)
          } else {
            try transaction.put(key.reversed(), forKey: key, in: tree)
            keys.insert(key)
          }
        }
        try verifyRanges(transaction, keys)
        #expect(try transaction.count(of: tree) == UInt64(keys.count))
      }
      try verifyRanges(try store.database.snapshot(), keys)
    }
  }

  @Test
  func `an empty tree and an empty range have no entries`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      #expect(try visit(try store.database.snapshot(), .all, reversed: false).isEmpty)
      #expect(try visit(try store.database.snapshot(), .all, reversed: true).isEmpty)
      let key = Self.key(1)
      try store.commit([.put(tree: "main", key: key, value: key.reversed())])
      let view = try store.database.snapshot()
      #expect(try visit(view, KeyRange(from: key, upTo: key), reversed: false).isEmpty)
      #expect(try visit(view, KeyRange(from: key + [0]), reversed: true).isEmpty)
      #expect(try visit(view, KeyRange(from: [2], upTo: [1]), reversed: false).isEmpty)
      #expect(try visit(view, .prefix([0xFF, 0xFF]), reversed: false).isEmpty)
    }
  }

  @Test
  func `the value of the entry a cursor is on can be read at any length`() throws {
    try withStore { store in
      var random = SplitMix64(seed: TestEnvironment.seed)
      var model = Model()
      let values = [0, 10, 5000, 200_000].map { random.bytes($0) }
      let puts = values.enumerated().map { Workload.put("main", "\($0.offset)", $0.element) }
      try store.commit([.createTree("main")] + puts, to: &model)
      try model.verify(try store.database.snapshot())
      try store.database.write { transaction in
        try Workload.put("main", "0", values[3]).apply(to: transaction)
        model.apply(Workload.put("main", "0", values[3]))
        try model.verify(transaction)
      }
    }
  }
}
