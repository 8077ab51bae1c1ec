// SPDX-License-Identifier: Apache-2.0

import Workloads

/// The records of a table as C functions take them: pointers into its one memory.
///
/// No engine is handicapped by a copy of what it is given.
struct TableMemory {
  let keyBytes: Int
  let valueBytes: Int
  private let base: UnsafeRawPointer
  private let recordBytes: Int
  private let count: Int

  fileprivate init(_ table: RecordTable, at base: UnsafeRawPointer) {
    self.base = base
    keyBytes = table.keyBytes
    valueBytes = table.valueBytes
    recordBytes = table.recordBytes
    count = table.count
  }

  /// Where the key of a record begins.
  @inline(__always)
  func key(_ position: Int32) -> UnsafeRawPointer {
    base + Int(position) * recordBytes
  }

  /// Where the value of the record `shift` positions after a record begins.
  @inline(__always)
  func value(_ position: Int32, shift: Int) -> UnsafeRawPointer {
    base + (Int(position) + shift) % count * recordBytes + keyBytes
  }
}

extension RecordTable {
  /// Runs `body` with pointers that hold as long as it runs.
  func withMemory<Result>(_ body: (TableMemory) throws -> Result) throws -> Result {
    try bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else {
        throw PeerError("RecordTable", "withMemory", "a table without records")
      }
      return try body(TableMemory(self, at: base))
    }
  }
}

extension Checksum {
  /// Adds a value where the engine holds it: its first eight bytes, little endian.
  @inline(__always)
  mutating func add(_ value: UnsafeRawPointer?, bytes count: Int) {
    guard let value, count < 8 else {
      if let value { add(UInt64(littleEndian: value.loadUnaligned(as: UInt64.self))) }
      return
    }
    var mark: UInt64 = 0
    for index in (0..<count).reversed() {
      mark = mark << 8 | UInt64(value.load(fromByteOffset: index, as: UInt8.self))
    }
    add(mark)
  }
}
