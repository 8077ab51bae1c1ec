// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Section 6 of the scenarios of the Rust engine Persy: indexes.
struct IndexScenarios {
  @Test
  func `Persy 39: an index exists from its creation to its drop`() throws {
    try withStore { store in
      let database = store.database
      try database.transact { transaction in
        _ = try transaction.createIndex(
          named: "index", keys: UInt8.self, values: UInt8.self, mode: .cluster)
        #expect(try transaction.hasIndex(named: "index"))
        #expect(throws: IndexError.createdInTransaction("index")) {
          try transaction.dropIndex(named: "index")
        }
      }
      let info = try #require(try database.read { try $0.indexes() }.first)
      #expect(info.name == "index" && info.mode == .cluster)
      #expect(info.keys == .uint8 && info.values == .uint8)
      try store.reopen()
      try store.database.transact { transaction in
        try transaction.dropIndex(named: "index")
        #expect(try !transaction.hasIndex(named: "index"))
        #expect(throws: IndexError.indexNotFound("index")) {
          try transaction.dropIndex(named: "index")
        }
      }
      #expect(try !store.database.read { try $0.hasIndex(named: "index") })
    }
  }

  @Test
  func `Persy 40: every type is a key and a value`() throws {
    try check([UInt8.min, 1, .max])
    try check([UInt16.min, 256, .max])
    try check([UInt32.min, 65_536, .max])
    try check([UInt64.min, 1 << 40, .max])
    try check([UInt128.min, 1 << 100, .max])
    try check([Int8.min, -1, 0, .max])
    try check([Int16.min, -1, 0, .max])
    try check([Int32.min, -1, 0, .max])
    try check([Int64.min, -1, 0, .max])
    try check([Int128.min, -1, 0, .max])
    try check([-Float.infinity, -1.5, -0.0, 0.0, .leastNonzeroMagnitude, .infinity, .nan])
    try check([-Double.infinity, -1.5, -0.0, 0.0, .leastNonzeroMagnitude, .infinity, .nan])
    try check(["", "\0", "a", "a\0b", "aa", String(repeating: "z", count: 450), "é"])
    try check([RecordID(segment: SegmentID(rawValue: 1), number: 7)])
    try check([[], [0], [0, 0], [0, 255], [1], [UInt8](repeating: 255, count: 450)])
  }

  /// Elements are given in order; they are compared by their bytes, because NaN equals nothing.
  private func check<Element: IndexElement>(_ elements: [Element]) throws {
    let encoded = elements.map(Elements.encoded)
    for mode in IndexMode.allCases {
      try withStore { store in
        let index = try store.database.transact { transaction in
          let index = try transaction.createIndex(
            named: "index", keys: Element.self, values: Element.self, mode: mode)
          for element in elements.reversed() {
            try transaction.put(element, forKey: element, in: index)
          }
          return index
        }
        try store.database.read { view in
          let entries = try view.entries(of: index)
          #expect(entries.map { Elements.encoded($0.key) } == encoded, "\(mode)")
          #expect(entries.map { Elements.encoded($0.value) } == encoded, "\(mode)")
          for element in elements {
            let values = try view.values(forKey: element, in: index)
            #expect(values.map(Elements.encoded) == [Elements.encoded(element)])
          }
        }
      }
    }
  }

  @Test
  func `Persy 41: an exclusive index refuses a second value at the put or at the commit`() throws {
    try withStore { store in
      let index = try store.database.makeIndex(.exclusive)
      try store.database.transact { transaction in
        try transaction.put(1, forKey: "a", in: index)
        try transaction.put(1, forKey: "a", in: index)
        let refusal = IndexError.duplicateKey(index: "index", key: Elements.encoded("a"))
        #expect(throws: refusal) { try transaction.put(2, forKey: "a", in: index) }
      }
      let first = try store.database.begin(TransactionOptions(strategy: .lastWriteWins))
      let second = try store.database.begin(TransactionOptions(strategy: .lastWriteWins))
      try first.put(1, forKey: "b", in: index)
      try second.put(2, forKey: "b", in: index)
      try second.commit()
      #expect(throws: TransactionError.duplicateKey(index: "index", key: Elements.encoded("b"))) {
        _ = try first.prepare()
      }
      #expect(try store.database.read { try $0.first(forKey: "b", in: index) } == 2)
    }
  }

  @Test(arguments: ConflictStrategy.allCases)
  func `Persy 41: a value that was removed from an exclusive index makes room for another`(
    _ strategy: ConflictStrategy
  ) throws {
    try withStore { store in
      let index = try store.database.makeIndex(.exclusive)
      try store.database.transact { try $0.put(1, forKey: "a", in: index) }
      try store.database.transact(strategy) { transaction in
        try transaction.removeKey("a", from: index)
        try transaction.put(2, forKey: "a", in: index)
      }
      #expect(try store.database.read { try $0.values(forKey: "a", in: index) } == [2])
      // But not for a value in place of one that was never seen.
      let late = try store.database.begin(TransactionOptions(strategy: strategy))
      try late.remove(2, forKey: "a", from: index)
      try late.put(3, forKey: "a", in: index)
      try store.database.transact { transaction in
        try transaction.removeKey("a", from: index)
        try transaction.put(4, forKey: "a", in: index)
      }
      #expect(throws: TransactionError.self) { try late.commit() }
      #expect(try store.database.read { try $0.values(forKey: "a", in: index) } == [4])
    }
  }

  @Test
  func `Persy 42: in a replace index a second value takes the place of the first`() throws {
    try withStore { store in
      let index = try store.database.makeIndex(.replace)
      for value in UInt64(1)...3 {
        try store.database.transact { transaction in
          try transaction.put(value, forKey: "a", in: index)
          #expect(try transaction.values(forKey: "a", in: index) == [value])
        }
        #expect(try store.database.read { try $0.values(forKey: "a", in: index) } == [value])
      }
    }
  }

  @Test
  func `Persy 43: a cluster index holds sorted sets, of which one or all values are removed`()
    throws
  {
    try withStore { store in
      let index = try store.database.makeIndex(.cluster)
      try store.database.transact { transaction in
        for value: UInt64 in [5, 1, 3, 5, 1 << 40, 1] {
          try transaction.put(value, forKey: "a", in: index)
        }
        try transaction.put(9, forKey: "aa", in: index)
        #expect(try transaction.values(forKey: "a", in: index) == [1, 3, 5, 1 << 40])
      }
      try store.database.transact { (transaction) throws in
        #expect(try transaction.first(forKey: "a", in: index) == 1)
        #expect(try transaction.remove(1, forKey: "a", from: index))
        #expect(try !transaction.remove(2, forKey: "a", from: index))
        #expect(try transaction.values(forKey: "a", in: index) == [3, 5, 1 << 40])
        #expect(try transaction.count(of: index) == 4)
      }
      try store.database.transact { try $0.removeKey("a", from: index) }
      try store.database.read { (view) throws in
        #expect(try view.values(forKey: "a", in: index) == [])
        #expect(try view.values(forKey: "aa", in: index) == [9])
      }
    }
  }

  @Test
  func `Persy 44: an index of other types is refused`() throws {
    try withStore { store in
      _ = try store.database.makeIndex(.replace)
      let refusal = IndexError.typeMismatch(index: "index", keys: .string, values: .uint64)
      try store.database.read { (view) throws in
        #expect(throws: refusal) {
          _ = try view.index(named: "index", keys: UInt64.self, values: UInt64.self)
        }
        #expect(throws: refusal) {
          _ = try view.index(named: "index", keys: String.self, values: String.self)
        }
        #expect(try view.index(named: "index", keys: String.self, values: UInt64.self) != nil)
      }
    }
  }

  @Test
  func `Persy 47: a missing key has no values, a missing index is reported`() throws {
    try withStore { store in
      let index = try store.database.makeIndex(.cluster)
      try store.database.read { (view) throws in
        #expect(try view.values(forKey: "none", in: index) == [])
        #expect(try view.first(forKey: "none", in: index) == nil)
        #expect(try view.entries(of: index, .only("none")).isEmpty)
        #expect(try view.index(named: "none", keys: String.self, values: String.self) == nil)
      }
      try store.database.transact { try $0.dropIndex(named: "index") }
      let refusal = IndexError.indexNotFound("index")
      try store.database.read { (view) throws in
        #expect(throws: refusal) { _ = try view.values(forKey: "a", in: index) }
        #expect(throws: refusal) { _ = try view.first(forKey: "a", in: index) }
        #expect(throws: refusal) { _ = try view.range(in: index) }
        #expect(throws: refusal) { _ = try view.count(of: index) }
      }
      let transaction = try store.database.begin()
      #expect(throws: refusal) { try transaction.put(1, forKey: "a", in: index) }
      #expect(throws: refusal) { try transaction.removeKey("a", from: index) }
    }
  }

  /// A value whose bytes are not written before they are refused.
  private struct Long: IndexElement {
    static let indexType = IndexType.bytes
    static let count = 1 << 30 + 1

    init() {}

    init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {}

    func encode(into bytes: inout [UInt8]) {
      bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.count) { _, count in
        count = Self.count
      }
    }
  }

  @Test
  func `Persy 52: a key or value over its limit is refused and the transaction goes on`() throws {
    try withStore { store in
      let index = try store.database.makeIndex(.cluster)
      try store.database.transact { transaction in
        let values = try transaction.createIndex(
          named: "values", keys: UInt8.self, values: Long.self, mode: .replace)
        try transaction.put(1, forKey: "before", in: index)
        #expect(throws: IndexError.valueTooLong(length: Long.count, limit: 1 << 30)) {
          try transaction.put(Long(), forKey: 1, in: values)
        }
        // Two bytes end a text, and eight are those of the value.
        let longest = String(repeating: "k", count: 1023 - 2 - 8)
        try transaction.put(2, forKey: longest, in: index)
        #expect(throws: IndexError.keyTooLong(length: 1024, limit: 1023)) {
          try transaction.put(3, forKey: longest + "k", in: index)
        }
        #expect(try !transaction.remove(3, forKey: longest + "k", from: index))
        try transaction.removeKey(longest + "k", from: index)
        #expect(try transaction.values(forKey: longest + "kkk", in: index) == [])
      }
      #expect(try store.database.read { try $0.count(of: index) } == 2)
    }
  }
}

/// The bytes of elements, to compare also what equals nothing.
enum Elements {
  static func encoded(_ element: some IndexElement) -> [UInt8] {
    var bytes: [UInt8] = []
    element.encode(into: &bytes)
    return bytes
  }
}
