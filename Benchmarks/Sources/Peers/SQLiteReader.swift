// SPDX-License-Identifier: Apache-2.0

import Workloads

/// A connection with a transaction that only reads.
final class SQLiteReader: MeasuredReader {
  private let connection: SQLiteConnection
  private let one: SQLiteStatement
  private let from: SQLiteStatement
  private let all: SQLiteStatement
  private let begin: SQLiteStatement
  private let commit: SQLiteStatement
  private let readers: OpenReaders

  init(_ place: SQLitePlace, counted readers: OpenReaders) throws {
    connection = try SQLiteConnection(place)
    one = try connection.prepare("SELECT value FROM records WHERE key = ?1")
    from = try connection.prepare("SELECT value FROM records WHERE key >= ?1 ORDER BY key")
    all = try connection.prepare("SELECT value FROM records ORDER BY key")
    begin = try connection.prepare("BEGIN")
    commit = try connection.prepare("COMMIT")
    try begin.run()
    // The state that is read is that of the first reading, not that of BEGIN.
    try connection.execute("SELECT 1 FROM records LIMIT 1")
    self.readers = readers
    readers.enter()
  }

  deinit {
    for statement in [one, from, all, begin, commit] { statement.finalize() }
    // Ends the transaction too; nobody is there to hear that it failed.
    try? connection.close()
    readers.leave()
  }

  func renew() throws {
    try commit.run()
    try begin.run()
  }

  func get(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    try table.withMemory { memory in
      var checksum = Checksum()
      for position in positions {
        defer { one.reset() }
        try one.bind(1, memory.key(position), memory.keyBytes)
        if try one.step() { checksum.add(one.blob, bytes: one.blobBytes) }
      }
      return checksum
    }
  }

  /// One call each: `key IN (…)` gives what is asked for twice only once, and sorts its keys.
  func getTogether(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum {
    try get(table, positions)
  }

  func seek(_ table: RecordTable, _ positions: ArraySlice<Int32>, steps: Int) throws -> Checksum {
    try table.withMemory { memory in
      var checksum = Checksum()
      for position in positions {
        defer { from.reset() }
        try from.bind(1, memory.key(position), memory.keyBytes)
        for _ in 0..<steps {
          guard try from.step() else { break }
          checksum.add(from.blob, bytes: from.blobBytes)
        }
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
}
