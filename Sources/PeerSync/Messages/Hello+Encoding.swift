// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

// A Hello is one array: oldest and newest version, store id, origin, clock, heads, received, held.
// A head is an array: origin, sequence, hash. Both sides read it before they have agreed on a
// version, so further elements, which a later version may add, are skipped.

extension Hello {
  /// The most bytes an introduction may have.
  public static let maximumBytes = 2 << 20

  private static let elementCount = 8

  /// The canonical bytes.
  ///
  /// - Throws: `CodingError` beyond `JournalLimits`.
  public func encoded() throws(CodingError) -> [UInt8] {
    var writer = CBORWriter(capacity: 128 + heads.count * 72 + received.count * 35)
    writer.write(arrayCount: Self.elementCount)
    writer.write(unsigned: versions.lowerBound)
    writer.write(unsigned: versions.upperBound)
    writer.write(bytes: storeID.bytes)
    writer.write(bytes: origin.bytes)
    writer.write(unsigned: clock)
    writer.write(arrayCount: heads.count)
    for head in heads {
      writer.write(arrayCount: 3)
      writer.write(bytes: head.dot.origin.bytes)
      writer.write(unsigned: head.dot.sequence)
      writer.write(bytes: head.hash.bytes)
    }
    try writer.write(received)
    writer.write(unsigned: held)
    return writer.take()
  }

  /// Reads canonical bytes.
  ///
  /// - Throws: `CodingError` unless they are one introduction within the limits.
  public init(decoding bytes: [UInt8]) throws(CodingError) {
    guard bytes.count <= Self.maximumBytes else {
      throw CodingError(
        offset: 0,
        problem: .tooLong("bytes of a hello", length: bytes.count, limit: Self.maximumBytes))
    }
    var reader = CBORReader(bytes)
    let count = try reader.readArrayCount()
    guard count >= Self.elementCount else { throw reader.failure(.malformed("hello")) }
    let oldest = try reader.readUnsigned()
    let newest = try reader.readUnsigned()
    guard oldest <= newest else { throw reader.failure(.outOfRange("protocol versions")) }
    guard let storeID = StoreID(bytes: try reader.readBytes()) else {
      throw reader.failure(.malformed("store id"))
    }
    guard let origin = Origin(bytes: try reader.readBytes()) else {
      throw reader.failure(.malformed("origin"))
    }
    self.init(
      versions: oldest...newest, storeID: storeID, origin: origin,
      clock: try reader.readUnsigned(), heads: try reader.readHeads(),
      received: try reader.readVersionVector(), held: try reader.readUnsigned())
    for _ in Self.elementCount..<count { _ = try reader.readValue() }
    try reader.finish()
    guard received.dominates(applied) else {
      throw CodingError(offset: 0, problem: .malformed("received, which lacks what is applied"))
    }
  }
}

extension CBORReader {
  fileprivate mutating func readHeads() throws(CodingError) -> [Hello.Head] {
    let count = try readArrayCount()
    guard count <= JournalLimits.vectorEntries else {
      throw failure(
        .tooLong("chain heads", length: count, limit: JournalLimits.vectorEntries))
    }
    var heads: [Hello.Head] = []
    for _ in 0..<count {
      let head = try readHead()
      if let last = heads.last, head.dot.origin <= last.dot.origin {
        throw failure(.unordered("chain heads"))
      }
      heads.append(head)
    }
    return heads
  }

  private mutating func readHead() throws(CodingError) -> Hello.Head {
    guard try readArrayCount() == 3, let origin = Origin(bytes: try readBytes()) else {
      throw failure(.malformed("chain head"))
    }
    let sequence = try readUnsigned()
    guard (1...JournalLimits.sequence).contains(sequence) else {
      throw failure(.outOfRange("a sequence"))
    }
    guard let hash = Hash256(bytes: try readBytes()) else { throw failure(.malformed("digest")) }
    return Hello.Head(dot: Dot(origin: origin, sequence: sequence), hash: hash)
  }
}
