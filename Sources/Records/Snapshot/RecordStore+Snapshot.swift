// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

extension RecordStore {
  /// Writes a snapshot: the whole journal, all records, and what durable maps and prevalent systems
  /// keep in the file, as they are at one moment.
  ///
  /// Nothing waits for it, and it waits for nothing; only where a map or system is open, what these have
  /// in memory alone is written to their pages first, and commits wait for the end of that. Trees,
  /// segments and indexes that others keep in the file beside the records are not part of it; the
  /// summary names them. Must not be called within closures of maps.
  ///
  /// - Parameters:
  ///   - withMemory: Whether maps and systems are part of it. Without them it succeeds also where they
  ///     are damaged, or there is no room for what they have in memory alone.
  ///   - write: Takes the bytes of the file piece by piece.
  ///   - progress: Is told how many entries of how many are written.
  /// - Returns: What the snapshot contains.
  /// - Throws: `SnapshotError.unsoundStore` where the store is not fit to be restored from; what is
  ///   written by then is of no use. `EngineError`; what `write` and `progress` throw.
  public func writeSnapshot(
    withMemory: Bool = true, to write: ([UInt8]) throws -> Void,
    progress: (_ done: UInt64, _ of: UInt64) throws -> Void = { _, _ in }
  ) throws -> SnapshotSummary {
    try withoutActuallyEscaping(write) { write in
      let view = try withMemory ? database.wholeSnapshot() : database.snapshot()
      return try Self.read(view) { view in
        var writer = SnapshotWriter(write)
        var verifier = ContentVerifier()
        try view.forEachContentEvent(of: journal, withMemory: withMemory, progress: progress) {
          event in
          // What no store could be restored from must not be found out when one has to be.
          if let fault = verifier.fault(in: event) { throw SnapshotError.unsoundStore(fault) }
          try writer.append(event)
        }
        var summary = verifier.summary
        summary.bytes = writer.byteCount
        summary.leftOut = try view.foreignTrees().filter { !withMemory || !StoreTree.isMemory($0) }
        return summary
      }
    }
  }

  /// Reads a snapshot and checks all of it: checksums, order, totals, the chains of the journal,
  /// and the form of every record; of durable memory no more than that its bytes are what was written.
  ///
  /// - Parameters:
  ///   - name: What messages call the file.
  ///   - read: Returns at most so many of its next bytes, none at its end.
  ///   - progress: Is told how many bytes are checked.
  /// - Throws: `SnapshotError` with the place of what is wrong, and what `read` throws.
  @discardableResult
  public static func verifySnapshot(
    named name: String, _ read: (Int) throws -> [UInt8],
    progress: (UInt64) throws -> Void = { _ in }
  ) throws -> SnapshotSummary {
    try withoutActuallyEscaping(read) { read in
      try forEachEvent(named: name, read, progress) { _ in }
    }
  }

  /// Passes on what is in a snapshot, each event after it is checked.
  static func forEachEvent(
    named name: String, _ read: @escaping (Int) throws -> [UInt8],
    _ progress: (UInt64) throws -> Void, _ body: (ContentEvent) throws -> Void
  ) throws -> SnapshotSummary {
    var reader = SnapshotReader(name: name, read)
    var verifier = ContentVerifier()
    var reported: UInt64 = 0
    while let event = try reader.next() {
      if let problem = verifier.check(event) { throw reader.corrupt(problem) }
      try body(event)
      if reader.byteCount != reported {
        reported = reader.byteCount
        try progress(reported)
      }
    }
    var summary = verifier.summary
    summary.bytes = reader.byteCount
    return summary
  }
}
