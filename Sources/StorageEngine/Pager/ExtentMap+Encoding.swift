// SPDX-License-Identifier: Apache-2.0

/// The persisted form of the extent map, tabled in docs/FORMAT.md, section 1.5: per extent one
/// byte for its owner, seven zero bytes, and a bitmap of 256 bits for its pages.
extension ExtentMap {
  static let entryBytes = 40
  static let bitmapBytes = 32

  static func entriesPerPage(_ geometry: PageGeometry) -> Int {
    geometry.valueBytesPerPage / entryBytes
  }

  /// The entries of a range of extents, with the bits of `reachable` as bitmaps.
  func encode(_ range: Range<Int>, reachable: [UInt64]) -> [UInt8] {
    var payload: [UInt8] = []
    payload.reserveCapacity(range.count * Self.entryBytes)
    for extent in range {
      payload.appendInteger(UInt64(owners[extent].rawValue))
      for word in 0..<Self.bitmapBytes / 8 {
        let isUsed = word < wordsPerExtent && owners[extent] == .pages
        payload.appendInteger(isUsed ? reachable[extent * wordsPerExtent + word] : UInt64(0))
      }
    }
    return payload
  }

  /// Adopts the entries of extents from `first` on; returns what is wrong, or `nil`.
  mutating func decode(_ payload: Bytes, firstExtent: Int) -> String? {
    guard payload.count % Self.entryBytes == 0 else { return "ends inside an entry" }
    for position in 0..<payload.count / Self.entryBytes {
      let extent = firstExtent + position
      let offset = position * Self.entryBytes
      guard extent < extentCount, let owner = ExtentOwner(rawValue: payload[offset]) else {
        return "has a malformed entry for extent \(extent)"
      }
      setOwner(extent, owner)
      guard owner == .pages else { continue }
      for word in 0..<wordsPerExtent {
        var bits = payload.load(offset + 8 + word * 8, as: UInt64.self)
        while bits != 0 {
          let page = word * 64 + bits.trailingZeroBitCount
          guard page < pagesPerExtent else { return "marks pages beyond extent \(extent)" }
          markAllocated(UInt64(extent * pagesPerExtent + page))
          bits &= bits - 1
        }
      }
    }
    return nil
  }
}
