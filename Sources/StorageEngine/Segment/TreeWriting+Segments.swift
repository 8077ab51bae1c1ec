// SPDX-License-Identifier: Apache-2.0

/// Records by number: what a transaction can change of them.
extension TreeWriting {
  /// Creates a segment.
  ///
  /// - Throws: `.segmentExists`, `.invalidName`.
  public func createSegment(named name: String) throws(SegmentError) -> SegmentID {
    let limit = Catalog.maximumNameBytes - StoredName.segmentPrefix.utf8.count
    guard (1...limit).contains(name.utf8.count) else { throw .invalidName(name, limit: limit) }
    do {
      let tree = try withWork { work throws(EngineError) in
        try work.createStoredTree(named: StoredName.segmentPrefix + name)
      }
      return SegmentID(rawValue: tree.rawValue)
    } catch {
      guard case .treeExists = error else { throw .engine(error) }
      // Who is told that there is one has read that.
      _ = try segment(named: name)
      throw .segmentExists(name)
    }
  }

  /// Drops a segment with all its records.
  ///
  /// - Throws: `.segmentNotFound`; `.createdInTransaction` for one that this transaction made.
  public func dropSegment(_ segment: SegmentID) throws(SegmentError) {
    try checkSegment(segment)
    try inSegment(segment) { () throws(EngineError) in try dropTree(segment.tree) }
  }

  private func checkSegment(_ segment: SegmentID) throws(SegmentError) {
    let isNew = try SegmentError.wrapping { () throws(EngineError) in
      try withWork { $0.hasCreated(segment.tree) }
    }
    if isNew { throw .createdInTransaction(segment) }
  }

  /// Inserts a record of at most 1 GiB and returns its identifier, which is final at once.
  ///
  /// - Throws: `.segmentNotFound`, `.recordTooLong`.
  public func insert(
    _ bytes: [UInt8], into segment: SegmentID
  ) throws(SegmentError) -> RecordID {
    try checkLength(bytes)
    let taken = try inSegment(segment) { () throws(EngineError) -> UInt64? in
      let number = try withWork { work throws(EngineError) in
        try work.takeRecordNumber(in: segment.tree)
      }
      if let number { try put(bytes, forKey: SegmentTree.key(number), in: segment.tree) }
      return number
    }
    guard let taken else { throw .segmentFull(segment) }
    return RecordID(segment: segment, number: taken)
  }

  /// Replaces a record.
  ///
  /// - Throws: `.recordNotFound`, `.segmentNotFound`, `.recordTooLong`.
  public func update(_ record: RecordID, to bytes: [UInt8]) throws(SegmentError) {
    try checkLength(bytes)
    try checkExists(record)
    try inSegment(record.segment) { () throws(EngineError) in
      try put(bytes, forKey: SegmentTree.key(record.number), in: record.segment.tree)
    }
  }

  /// Deletes a record.
  ///
  /// - Throws: `.recordNotFound`, `.segmentNotFound`.
  public func delete(_ record: RecordID) throws(SegmentError) {
    try checkExists(record)
    try inSegment(record.segment) { () throws(EngineError) in
      try delete(SegmentTree.key(record.number), in: record.segment.tree)
    }
  }

  private func checkLength(_ bytes: [UInt8]) throws(SegmentError) {
    let limit = PageGeometry.maximumValueBytes
    guard bytes.count <= limit else {
      throw .recordTooLong(length: bytes.count, limit: limit)
    }
  }

  private func checkExists(_ record: RecordID) throws(SegmentError) {
    let exists = try inSegment(record.segment) { () throws(EngineError) -> Bool in
      guard record.number > 0 else { return false }
      return try withWork { work throws(EngineError) in
        try work.contains(SegmentTree.key(record.number), in: record.segment.tree)
      }
    }
    guard !exists else { return }
    // Who is told that there is no record has read that.
    _ = try read(record)
    throw .recordNotFound(record)
  }
}

extension WriteTransaction {
  /// Takes the number of a new record; `nil` when all are taken.
  func takeRecordNumber(in segment: TreeID) throws(EngineError) -> UInt64? {
    guard treeSet[segment.rawValue] != nil else {
      throw .treeNotFound("number \(segment.rawValue)")
    }
    let number = try database.recordNumbers.take(segment.rawValue) { () throws(EngineError) in
      guard let stored = try value(forKey: SegmentTree.boundKey, in: segment) else { return 1 }
      guard let bound = SegmentTree.bound(stored) else {
        throw .corrupt(
          Damage(
            file: database.pager.storage.name, offset: 0,
            structure: "segment \(segment.rawValue)", problem: "has a malformed bound of numbers"))
      }
      return bound
    }
    if let number {
      recordNumbers[segment.rawValue] = max(number, recordNumbers[segment.rawValue] ?? 0)
    }
    return number
  }
}
