// SPDX-License-Identifier: Apache-2.0

/// Reading what is on the disk, whatever the cache holds.
extension Pager {
  /// Reads a page past the cache, and checks it like any other.
  func readFromDisk(
    _ reference: PageReference, into buffer: AlignedBuffer
  ) throws(EngineError) {
    try unsafe readPage(reference, into: buffer.buffer(0, pageBytes), ignoringNewer: true)
  }

  /// Puts a value together from what its leaf holds, past the cache.
  ///
  /// Each page must be the one that the leaf refers to: of a leaf that is no part of any state any
  /// more, others may have the pages by now.
  func wholeValueFromDisk(_ form: ValueForm, _ stored: [UInt8]) throws(EngineError) -> [UInt8] {
    switch form {
    case .inline: return stored
    case .paged:
      return try stored.withBytes { (bytes) throws(EngineError) in try pagedValueFromDisk(bytes) }
    case .runs:
      return try stored.withBytes { (bytes) throws(EngineError) in
        try directValue(bytes, ignoringNewer: true)
      }
    }
  }

  private func pagedValueFromDisk(_ stored: Bytes) throws(EngineError) -> [UInt8] {
    let buffer = try AlignedBuffer(count: pageBytes)
    let page = buffer.page(at: 0)
    var value: [UInt8] = []
    var last: UInt64 = 0
    for position in 0..<PagedValue.pageCount(stored) {
      let reference = PagedValue.reference(stored, position)
      last = reference.number
      try readFromDisk(reference, into: buffer)
      guard page.kind == PageKind.value.rawValue else {
        throw damage(last, "is of kind \(page.kind), not a piece of a value")
      }
      value += page.bytes(PageLayout.headerBytes, Int(page.load32(PageLayout.payloadBytes))).array
    }
    guard value.count == PagedValue.length(stored) else {
      throw damage(last, "its value has the wrong length")
    }
    return value
  }
}
