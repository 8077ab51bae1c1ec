// SPDX-License-Identifier: Apache-2.0

import Workloads

/// A table of keys and integers whose primary key is both.
///
/// One connection writes and reads, as one thread uses it; its reads are a transaction each.
final class SQLiteMultimap: MeasuredMultimap {
  private let connection: SQLiteConnection
  private let insertion: SQLiteStatement
  private let removal: SQLiteStatement
  private let range: SQLiteStatement
  private let all: SQLiteStatement

  init(_ place: SQLitePlace) throws {
    connection = try place.openWriter()
    try connection.execute(
      """
      CREATE TABLE entries (key BLOB, value INTEGER, PRIMARY KEY (key, value)) WITHOUT ROWID
      """)
    insertion = try connection.prepare("INSERT INTO entries (key, value) VALUES (?1, ?2)")
    removal = try connection.prepare("DELETE FROM entries WHERE key = ?1 AND value = ?2")
    range = try connection.prepare(
      "SELECT value FROM entries WHERE key >= ?1 ORDER BY key, value LIMIT ?2")
    all = try connection.prepare("SELECT value FROM entries ORDER BY key, value")
  }

  func insert(_ table: EntryTable, _ positions: [Int32]) throws {
    try write(table, positions, with: insertion)
  }

  func delete(_ table: EntryTable, _ positions: [Int32]) throws {
    try write(table, positions, with: removal)
  }

  private func write(
    _ table: EntryTable, _ positions: [Int32], with statement: SQLiteStatement
  ) throws {
    try table.records.withMemory { memory in
      try connection.transact {
        for position in positions {
          let value = memory.entryValue(position).loadUnaligned(as: UInt64.self)
          try statement.bind(1, memory.entryKey(position), EntryTable.keyBytes)
          try statement.bind(2, integer: Int64(bitPattern: UInt64(bigEndian: value)))
          try statement.run()
        }
      }
    }
  }

  func ranges(_ table: EntryTable, from keys: [Int32], count: Int) throws -> Checksum {
    try table.records.withMemory { memory in
      try connection.transact(beginning: "BEGIN") {
        var checksum = Checksum()
        for number in keys {
          try range.bind(1, memory.key(number), EntryTable.keyBytes)
          try range.bind(2, integer: Int64(count * EntryTable.valuesOfKey))
          try add(range, to: &checksum)
        }
        return checksum
      }
    }
  }

  func scan() throws -> Checksum {
    var checksum = Checksum()
    try add(all, to: &checksum)
    return checksum
  }

  private func add(_ statement: SQLiteStatement, to checksum: inout Checksum) throws {
    defer { statement.reset() }
    while try statement.step() {
      checksum.add(EntryTable.mark(of: UInt64(bitPattern: statement.integer)))
    }
  }

  func close() throws {
    for statement in [insertion, removal, range, all] { statement.finalize() }
    try connection.close()
  }
}

/// A table of rows by the number that SQLite gives them, from one on.
///
/// One connection writes and reads, as one thread uses it; its reads are a transaction each.
final class SQLiteSegments: MeasuredSegments {
  private let connection: SQLiteConnection
  private let insertion: SQLiteStatement
  private let change: SQLiteStatement
  private let one: SQLiteStatement
  private let all: SQLiteStatement

  init(_ place: SQLitePlace) throws {
    connection = try place.openWriter()
    try connection.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, value BLOB)")
    insertion = try connection.prepare("INSERT INTO records (value) VALUES (?1)")
    change = try connection.prepare("UPDATE records SET value = ?1 WHERE id = ?2")
    one = try connection.prepare("SELECT value FROM records WHERE id = ?1")
    all = try connection.prepare("SELECT value FROM records ORDER BY id")
  }

  func insert(_ table: RecordTable) throws {
    try table.withMemory { memory in
      try connection.transact {
        for position in 0..<Int32(table.count) {
          try insertion.bind(1, memory.value(position, shift: 0), memory.valueBytes)
          try insertion.run()
        }
      }
    }
  }

  func update(_ table: RecordTable, _ positions: [Int32], shift: Int) throws {
    try table.withMemory { memory in
      try connection.transact {
        for position in positions {
          try change.bind(1, memory.value(position, shift: shift), memory.valueBytes)
          try change.bind(2, integer: Int64(position) + 1)
          try change.run()
        }
      }
    }
  }

  func read(_ positions: [Int32]) throws -> Checksum {
    try connection.transact(beginning: "BEGIN") {
      var checksum = Checksum()
      for position in positions {
        defer { one.reset() }
        try one.bind(1, integer: Int64(position) + 1)
        if try one.step() { checksum.add(one.blob, bytes: one.blobBytes) }
      }
      return checksum
    }
  }

  func scan() throws -> Checksum {
    defer { all.reset() }
    var checksum = Checksum()
    while try all.step() { checksum.add(all.blob, bytes: all.blobBytes) }
    return checksum
  }

  func close() throws {
    for statement in [insertion, change, one, all] { statement.finalize() }
    try connection.close()
  }
}

extension SQLiteConnection {
  /// Runs `body` in a transaction, which is flushed where it wrote.
  fileprivate func transact<Result>(
    beginning begin: String = "BEGIN IMMEDIATE", _ body: () throws -> Result
  ) throws -> Result {
    try execute(begin)
    do {
      let result = try body()
      try execute("COMMIT")
      return result
    } catch {
      // Some failures have rolled back already.
      if !isOutsideTransaction { try execute("ROLLBACK") }
      throw error
    }
  }
}
