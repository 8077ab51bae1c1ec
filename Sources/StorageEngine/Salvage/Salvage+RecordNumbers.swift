// SPDX-License-Identifier: Apache-2.0

/// The numbers that a segment gives to new records.
extension Salvage {
  /// How many numbers are passed over behind those that are known: the records that had them may be
  /// lost, and somebody may still know them.
  private static let passedOver: UInt64 = 1 << 32

  /// Raises the bounds of record numbers that are lost, or came from an older page: a new record must
  /// not take the number of another.
  func raiseRecordNumbers() throws {
    try target.write(durability: .manual) { transaction in
      for segment in transaction.treeSet.segments.sorted() where isBoundLost(of: segment) {
        var known = max(
          try transaction.highestRecord(in: segment),
          try transaction.highestPreparedRecord(in: segment))
        for gap in gaps[segment] ?? [] {
          known = max(known, SegmentTree.number(near: gap.upper ?? gap.lower ?? []))
        }
        let (bound, isTooLarge) = known.addingReportingOverflow(Self.passedOver)
        try transaction.put(
          SegmentTree.bound(isTooLarge ? .max : bound), forKey: SegmentTree.boundKey,
          in: TreeID(rawValue: segment))
      }
    }
  }

  private func isBoundLost(of segment: UInt32) -> Bool {
    logProblem != nil || gaps[segment]?.contains { $0.contains(SegmentTree.boundKey) } ?? false
  }
}

extension WriteTransaction {
  /// The highest number that a segment has given as far as its tree tells.
  fileprivate func highestRecord(in segment: UInt32) throws(EngineError) -> UInt64 {
    let tree = TreeID(rawValue: segment)
    let bound = try value(forKey: SegmentTree.boundKey, in: tree).flatMap(SegmentTree.bound) ?? 0
    let last = try cursor(in: tree, range: SegmentTree.records, reversed: true)
    return try last.next() ? max(bound, SegmentTree.number(near: last.key)) : bound
  }
}

extension SegmentTree {
  /// The number of the last record whose key is not behind another key, whatever that is.
  fileprivate static func number(near key: [UInt8]) -> UInt64 {
    (0..<numberBytes).reduce(0) { $0 << 8 | UInt64($1 < key.count ? key[$1] : 0) }
  }
}
