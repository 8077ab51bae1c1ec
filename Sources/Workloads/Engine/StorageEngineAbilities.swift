// SPDX-License-Identifier: Apache-2.0

import StorageEngine

extension StorageEngineKind {
  /// Any number of readers can be open.
  public func openSnapshots(
    in folder: String, cacheBytes: Int, readers: Int
  ) throws -> (any MeasuredSnapshots)? {
    try StorageEngineAdapter(database(in: folder, cacheBytes: cacheBytes))
  }

  /// Opens a store for prepared transactions.
  public func openTwoPhase(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredTwoPhaseEngine)? {
    try StorageEngineAdapter(database(in: folder, cacheBytes: cacheBytes))
  }

  /// Opens a store with a cluster index of 128-bit keys and 64-bit values.
  public func openMultimap(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredMultimap)? {
    try StorageEngineMultimap(database(in: folder, cacheBytes: cacheBytes))
  }

  /// Opens a store with a segment.
  public func openSegments(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredSegments)? {
    try StorageEngineSegments(database(in: folder, cacheBytes: cacheBytes))
  }
}

extension StorageEngineAdapter: MeasuredSnapshots {
  func beginReads(_ count: Int) throws {
    for _ in 0..<count { try database.snapshot().close() }
  }
}

extension StorageEngineAdapter: MeasuredTwoPhaseEngine {
  /// With snapshot isolation, the default: what is written is held from the first phase on.
  func commitInTwoPhases(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws {
    for position in positions {
      let key = table.key(Int(position))
      let transaction = try database.begin(
        TransactionOptions(identifier: key, durability: .synced))
      try transaction.put(table.value(Int(position)), forKey: key, in: tree)
      try transaction.prepare().commit()
    }
  }

  func get(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    try makeReader().get(table, positions)
  }
}

/// A cluster index: keys with sets of values, checked by their types.
private final class StorageEngineMultimap: MeasuredMultimap {
  private let database: Database
  private let index: Index<UInt128, UInt64>

  init(_ database: Database) throws {
    self.database = database
    index = try database.write { transaction in
      try transaction.createIndex(
        named: "entries", keys: UInt128.self, values: UInt64.self, mode: .cluster)
    }
  }

  func insert(_ table: EntryTable, _ positions: [Int32]) throws {
    try database.write(durability: .synced) { transaction in
      for position in positions {
        let key = table.key(Int(position) / EntryTable.valuesOfKey)
        try transaction.put(table.value(Int(position)), forKey: key, in: index)
      }
    }
  }

  func delete(_ table: EntryTable, _ positions: [Int32]) throws {
    try database.write(durability: .synced) { transaction in
      for position in positions {
        let key = table.key(Int(position) / EntryTable.valuesOfKey)
        try transaction.remove(table.value(Int(position)), forKey: key, from: index)
      }
    }
  }

  func ranges(_ table: EntryTable, from keys: [Int32], count: Int) throws -> Checksum {
    try database.read { snapshot in
      var checksum = Checksum()
      for key in keys {
        let cursor = try snapshot.range(
          in: index, IndexBounds(from: .included(table.key(Int(key)))))
        var left = count * EntryTable.valuesOfKey
        while left > 0, let entry = try cursor.next() {
          checksum.add(EntryTable.mark(of: entry.value))
          left -= 1
        }
      }
      return checksum
    }
  }

  func scan() throws -> Checksum {
    try database.read { snapshot in
      var checksum = Checksum()
      let cursor = try snapshot.range(in: index)
      while let entry = try cursor.next() { checksum.add(EntryTable.mark(of: entry.value)) }
      return checksum
    }
  }

  func close() throws { try database.close() }
}

/// A segment, with the identifiers it gave.
private final class StorageEngineSegments: MeasuredSegments {
  private let database: Database
  private let segment: SegmentID
  private var records: [RecordID] = []

  init(_ database: Database) throws {
    self.database = database
    segment = try database.write { try $0.createSegment(named: "records") }
  }

  func insert(_ table: RecordTable) throws {
    records.reserveCapacity(table.count)
    try database.write(durability: .synced) { transaction in
      for position in 0..<table.count {
        records.append(try transaction.insert(table.value(position), into: segment))
      }
    }
  }

  func read(_ positions: [Int32]) throws -> Checksum {
    try database.read { snapshot in
      var checksum = Checksum()
      for position in positions {
        let value = try snapshot.read(records[Int(position)])
        if let value { checksum.add(value: value.span) }
      }
      return checksum
    }
  }

  func update(_ table: RecordTable, _ positions: [Int32], shift: Int) throws {
    try database.write(durability: .synced) { transaction in
      for position in positions {
        let source = (Int(position) + shift) % table.count
        try transaction.update(records[Int(position)], to: table.value(source))
      }
    }
  }

  func scan() throws -> Checksum {
    try database.read { snapshot in
      var checksum = Checksum()
      let cursor = try snapshot.scan(segment)
      while let record = try cursor.next() { checksum.add(value: record.bytes.span) }
      return checksum
    }
  }

  func close() throws { try database.close() }
}
