// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import TestSupport

extension Database {
  /// Runs `body` in a transaction that is open beside others, and commits it.
  @discardableResult
  func transact<R>(
    _ strategy: ConflictStrategy = .versionOnWrite, _ body: (Transaction) throws -> R
  ) throws -> R {
    let transaction = try begin(TransactionOptions(strategy: strategy))
    let result = try body(transaction)
    try transaction.commit()
    return result
  }

  /// Creates a segment.
  func makeSegment(_ name: String = "records") throws -> SegmentID {
    try transact { try $0.createSegment(named: name) }
  }

  /// Creates a segment with one record.
  func makeRecord(_ text: String = "old") throws -> RecordID {
    try transact { try $0.insert(bytes(text), into: try $0.createSegment(named: "records")) }
  }

  /// Creates an index from texts to numbers.
  func makeIndex(_ mode: IndexMode, _ name: String = "index") throws -> Index<String, UInt64> {
    try transact {
      try $0.createIndex(named: name, keys: String.self, values: UInt64.self, mode: mode)
    }
  }

  /// What is committed of a record.
  func committed(_ record: RecordID) throws -> [UInt8]? {
    try read { try $0.read(record) }
  }

  /// Lets the next call to its disk fail, so that nothing can be written any more.
  func loseDisk(_ disk: SimulatedDisk) throws {
    disk.inject(Fault(call: disk.calls, kind: .system(errno: EIO)))
    do {
      _ = try write { try $0.createTree(named: "lost") }
      throw TestFailure("the disk did not fail")
    } catch EngineError.poisoned {}
  }
}

extension TreeReader {
  /// All records of a segment.
  func records(of segment: SegmentID) throws -> [RecordID: [UInt8]] {
    var found: [RecordID: [UInt8]] = [:]
    let cursor = try scan(segment)
    while let record = try cursor.next() { found[record.id] = record.bytes }
    return found
  }

  /// All entries of an index within bounds.
  func entries<Key, Value>(
    of index: Index<Key, Value>, _ bounds: IndexBounds<Key> = .all
  ) throws -> [(key: Key, value: Value)] {
    var found: [(key: Key, value: Value)] = []
    let cursor = try range(in: index, bounds)
    while let entry = try cursor.next() { found.append(entry) }
    return found
  }
}

/// The bytes of a text.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
