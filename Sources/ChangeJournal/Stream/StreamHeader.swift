// SPDX-License-Identifier: Apache-2.0

/// What stands at the beginning of a journal stream.
public struct JournalStreamHeader: Hashable, Sendable {
  /// The data set that the transactions belong to.
  public let storeID: StoreID
  /// What the stream continues from: a reader must have applied this much, or come to have it, to
  /// apply what follows.
  public let since: VersionVector

  /// Describes a stream.
  public init(storeID: StoreID, since: VersionVector = VersionVector()) {
    self.storeID = storeID
    self.since = since
  }
}

extension JournalStreamHeader {
  /// The payload of a stream frame: an array of the store id (16 bytes) and the vector.
  func encoded() throws(CodingError) -> [UInt8] {
    var writer = CBORWriter(capacity: 32 + since.count * 35)
    writer.write(arrayCount: 2)
    writer.write(bytes: storeID.bytes)
    try writer.write(since)
    return writer.take()
  }

  /// Reads the payload of a stream frame.
  init(decoding payload: [UInt8]) throws(CodingError) {
    var reader = CBORReader(payload)
    guard try reader.readArrayCount() == 2 else {
      throw reader.error(.malformed("stream header"))
    }
    guard let storeID = StoreID(bytes: try reader.readByteSlice()) else {
      throw reader.error(.malformed("store id"))
    }
    self.init(storeID: storeID, since: try reader.readVersionVector())
    try reader.finish()
  }
}

/// What stands at the end of a complete journal stream.
public struct JournalTotals: Hashable, Sendable {
  /// Frames before the totals.
  public let frameCount: UInt64
  /// Transactions in them.
  public let transactionCount: UInt64
  /// Their payloads before compression, in bytes.
  public let plainByteCount: UInt64
  /// The SHA-256 of every byte of the stream before the totals frame.
  public let digest: Hash256
  /// Where the stream leads: `since` with every transaction of the stream.
  public let reached: VersionVector
}

extension JournalTotals {
  /// The payload of a totals frame.
  func encoded() throws(CodingError) -> [UInt8] {
    var writer = CBORWriter(capacity: 80 + reached.count * 35)
    writer.write(arrayCount: 5)
    writer.write(unsigned: frameCount)
    writer.write(unsigned: transactionCount)
    writer.write(unsigned: plainByteCount)
    writer.write(digest)
    try writer.write(reached)
    return writer.take()
  }

  /// Reads the payload of a totals frame.
  init(decoding payload: [UInt8]) throws(CodingError) {
    var reader = CBORReader(payload)
    guard try reader.readArrayCount() == 5 else { throw reader.error(.malformed("totals")) }
    self.init(
      frameCount: try reader.readUnsigned(), transactionCount: try reader.readUnsigned(),
      plainByteCount: try reader.readUnsigned(), digest: try reader.readHash(),
      reached: try reader.readVersionVector())
    try reader.finish()
  }
}

/// What a writer or reader has counted of a stream so far.
struct JournalTally {
  var frameCount: UInt64 = 0
  var transactionCount: UInt64 = 0
  var plainByteCount: UInt64 = 0
  var reached = VersionVector()
  private var hasher = Hasher256()

  /// Counts a frame.
  mutating func count(
    _ header: FrameHeader, headerBytes: ArraySlice<UInt8>, payload: ArraySlice<UInt8>
  ) {
    frameCount += 1
    transactionCount += UInt64(header.transactionCount)
    plainByteCount += UInt64(header.plainLength)
    hasher.update(headerBytes)
    hasher.update(payload)
  }

  /// Notes that a transaction is part of the stream.
  mutating func include(_ dot: Dot) {
    reached[dot.origin] = max(reached[dot.origin], dot.sequence)
  }

  /// The totals of everything counted.
  var totals: JournalTotals {
    JournalTotals(
      frameCount: frameCount, transactionCount: transactionCount,
      plainByteCount: plainByteCount, digest: hasher.finish(), reached: reached)
  }
}
