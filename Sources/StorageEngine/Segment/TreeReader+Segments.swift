// SPDX-License-Identifier: Apache-2.0

/// Records by number: what any view can read of them.
extension TreeReader {
  /// Lists all segments with their names, ordered by name.
  public func segments() throws(SegmentError) -> [(name: String, segment: SegmentID)] {
    try segmental { () throws(EngineError) in
      try trees().compactMap { name, tree in
        StoredName.name(ofTree: name, after: StoredName.segmentPrefix)
          .map { ($0, SegmentID(rawValue: tree.rawValue)) }
      }
    }
  }

  /// Finds a segment by name, or returns `nil`.
  public func segment(named name: String) throws(SegmentError) -> SegmentID? {
    try segmental { () throws(EngineError) in
      try tree(named: StoredName.segmentPrefix + name).map { SegmentID(rawValue: $0.rawValue) }
    }
  }

  /// Whether there is a segment of that name.
  public func hasSegment(named name: String) throws(SegmentError) -> Bool {
    try segment(named: name) != nil
  }

  /// Copies a record, or returns `nil` when there is none.
  ///
  /// - Throws: `.segmentNotFound` when its segment is not there.
  public func read(_ record: RecordID) throws(SegmentError) -> [UInt8]? {
    guard record.number > 0 else { return nil }
    return try inSegment(record.segment) { () throws(EngineError) in
      try value(forKey: SegmentTree.key(record.number), in: record.segment.tree)
    }
  }

  /// Counts the records of a segment.
  public func count(of segment: SegmentID) throws(SegmentError) -> UInt64 {
    try inSegment(segment) { () throws(EngineError) in
      let entries = try count(of: segment.tree)
      let hasBound = try value(forKey: SegmentTree.boundKey, in: segment.tree) != nil
      return hasBound && entries > 0 ? entries - 1 : entries
    }
  }

  /// Starts a visit of the records of a segment, in the order they were inserted.
  ///
  /// It shows the segment as it is now.
  public func scan(
    _ segment: SegmentID, reversed: Bool = false
  ) throws(SegmentError) -> RecordCursor {
    try inSegment(segment) { () throws(EngineError) in
      RecordCursor(
        segment, try cursor(in: segment.tree, range: SegmentTree.records, reversed: reversed))
    }
  }

  /// Runs `body`, unless the number is that of no segment: it may come from a text, and name a tree
  /// of another kind.
  func inSegment<R>(
    _ segment: SegmentID, _ body: () throws(EngineError) -> R
  ) throws(SegmentError) -> R {
    let isThere = try segmental { () throws(EngineError) in try hasSegment(segment) }
    guard isThere else { throw .segmentNotFound("number \(segment.rawValue)") }
    return try segmental(body)
  }
}

/// Visits the records of a segment.
///
/// Not for use by several threads.
public final class RecordCursor {
  private let segment: SegmentID
  private let cursor: Cursor

  init(_ segment: SegmentID, _ cursor: Cursor) {
    self.segment = segment
    self.cursor = cursor
  }

  /// Moves to the next record and returns it; `nil` when there is none.
  ///
  /// After an error the cursor stays failed.
  public func next() throws(SegmentError) -> (id: RecordID, bytes: [UInt8])? {
    try segmental { () throws(EngineError) in
      while try cursor.next() {
        guard let number = SegmentTree.number(cursor.key) else { continue }
        return (RecordID(segment: segment, number: number), try cursor.value())
      }
      return nil
    }
  }
}
