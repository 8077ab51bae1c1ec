// SPDX-License-Identifier: Apache-2.0

extension CBORWriter {
  /// Writes a vector: a map from origins (24 bytes each) to sequences, in order.
  ///
  /// - Throws: `.tooLong` beyond `JournalLimits.vectorEntries`, `.outOfRange` for a sequence
  ///   beyond `JournalLimits.sequence`.
  public mutating func write(_ vector: VersionVector) throws(CodingError) {
    guard vector.count <= JournalLimits.vectorEntries else {
      throw CodingError(
        offset: count,
        problem: .tooLong(
          "origins in a version vector", length: vector.count, limit: JournalLimits.vectorEntries))
    }
    write(mapCount: vector.count)
    for entry in vector.entries {
      guard entry.sequence <= JournalLimits.sequence else {
        throw CodingError(offset: count, problem: .outOfRange("a sequence"))
      }
      write(entry.origin)
      write(unsigned: entry.sequence)
    }
  }
}

extension CBORReader {
  /// Reads a vector.
  public mutating func readVersionVector() throws(CodingError) -> VersionVector {
    let start = position
    let count = try readMapCount()
    guard count <= JournalLimits.vectorEntries else {
      throw CodingError(
        offset: start,
        problem: .tooLong(
          "origins in a version vector", length: count, limit: JournalLimits.vectorEntries))
    }
    var entries: [VersionVector.Entry] = []
    for _ in 0..<count {
      let entryStart = position
      let entry = VersionVector.Entry(origin: try readOrigin(), sequence: try readSequence())
      if let last = entries.last, entry.origin <= last.origin {
        throw CodingError(offset: entryStart, problem: .unordered("origins"))
      }
      entries.append(entry)
    }
    return VersionVector(ordered: entries)
  }

  /// Reads an origin: a string of twenty-four bytes.
  mutating func readOrigin() throws(CodingError) -> Origin {
    let start = position
    guard let origin = Origin(bytes: try readByteSlice()) else {
      throw CodingError(offset: start, problem: .malformed("origin"))
    }
    return origin
  }

  /// Reads a sequence number, from 1 to `JournalLimits.sequence`.
  mutating func readSequence() throws(CodingError) -> UInt64 {
    let start = position
    let sequence = try readUnsigned()
    guard (1...JournalLimits.sequence).contains(sequence) else {
      throw CodingError(offset: start, problem: .outOfRange("a sequence"))
    }
    return sequence
  }

  /// Reads a digest: a string of thirty-two bytes.
  mutating func readHash() throws(CodingError) -> Hash256 {
    let start = position
    guard let hash = Hash256(bytes: try readByteSlice()) else {
      throw CodingError(offset: start, problem: .malformed("digest"))
    }
    return hash
  }
}

extension VersionVector {
  /// The canonical bytes.
  ///
  /// - Throws: `CodingError` when the vector is beyond `JournalLimits`.
  public func encoded() throws(CodingError) -> [UInt8] {
    var writer = CBORWriter(capacity: 8 + count * 35)
    try writer.write(self)
    return writer.take()
  }

  /// Reads canonical bytes.
  ///
  /// - Throws: `CodingError` unless they are the encoding of exactly one vector.
  public init(decoding bytes: [UInt8]) throws(CodingError) {
    var reader = CBORReader(bytes)
    self = try reader.readVersionVector()
    try reader.finish()
  }
}
