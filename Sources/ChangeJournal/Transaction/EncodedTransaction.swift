// SPDX-License-Identifier: Apache-2.0

/// The parts of a transaction as canonical bytes with their digests: all that can be made before
/// its place in the sequence is known.
public struct EncodedParts: Sendable {
  /// What the header will say about each part.
  public let parts: [TransactionHeader.Part]
  /// The canonical bytes of all parts, one after the other.
  public let bytes: [UInt8]

  /// Encodes parts that are ordered by collection.
  ///
  /// - Throws: `CodingError` for what no transaction may hold.
  public init(_ parts: [CollectionPart]) throws(CodingError) {
    var headers: [TransactionHeader.Part] = []
    var bytes: [UInt8] = []
    for part in parts {
      guard !part.operations.isEmpty else {
        throw CodingError(offset: bytes.count, problem: .malformed("part without operations"))
      }
      let encoded = try part.encoded()
      headers.append(
        TransactionHeader.Part(
          collection: part.collection, operationCount: part.operations.count,
          byteCount: encoded.count, digest: .of(encoded)))
      guard bytes.count + encoded.count <= JournalLimits.transactionBytes else {
        throw CodingError(offset: 0, problem: .transactionTooLong(bytes.count + encoded.count))
      }
      if bytes.isEmpty {
        bytes = encoded
      } else {
        bytes += encoded
      }
    }
    self.parts = headers
    self.bytes = bytes
  }
}

/// A transaction as canonical bytes, with its header decoded and its hash known: verified, and
/// cheap to keep and to pass on unchanged.
public struct EncodedTransaction: Sendable {
  /// The canonical bytes: header, then parts.
  public let bytes: [UInt8]
  /// The decoded header.
  public let header: TransactionHeader
  /// How many of the bytes are the header.
  public let headerByteCount: Int
  /// The chain hash.
  public let hash: Hash256

  /// The transaction's name.
  public var dot: Dot { header.dot }

  /// Encodes a transaction.
  ///
  /// - Throws: `CodingError` for what no transaction may hold.
  public init(_ transaction: JournalTransaction) throws(CodingError) {
    try self.init(
      origin: transaction.origin, sequence: transaction.sequence,
      timestamp: transaction.timestamp, dependencies: transaction.dependencies,
      schemaEpoch: transaction.schemaEpoch, previousHash: transaction.previousHash,
      parts: EncodedParts(transaction.parts))
  }

  /// Puts a header before encoded parts.
  ///
  /// - Throws: `CodingError` for what no transaction may hold.
  public init(
    origin: Origin, sequence: UInt64, timestamp: HybridTimestamp, dependencies: VersionVector,
    schemaEpoch: UInt64, previousHash: Hash256, parts: EncodedParts
  ) throws(CodingError) {
    header = TransactionHeader(
      origin: origin, sequence: sequence, timestamp: timestamp, dependencies: dependencies,
      schemaEpoch: schemaEpoch, previousHash: previousHash, parts: parts.parts)
    var writer = CBORWriter(
      capacity: 256 + dependencies.count * 35 + parts.parts.count * 64 + parts.bytes.count)
    try writer.write(header)
    headerByteCount = writer.count
    writer.append(encoded: parts.bytes)
    bytes = writer.take()
    try Self.checkLengths(header: headerByteCount, total: bytes.count)
    hash = TransactionHeader.hash(ofHeader: bytes[..<headerByteCount])
  }

  /// Reads and verifies canonical bytes: the header in full, the lengths, and the digest of every
  /// part.
  ///
  /// The operations are not decoded; `transaction()` does that.
  ///
  /// - Throws: `CodingError` when the bytes are not one whole transaction.
  public init(decoding bytes: [UInt8]) throws(CodingError) {
    var reader = CBORReader(bytes)
    header = try reader.readTransactionHeader()
    headerByteCount = reader.position
    self.bytes = bytes
    try Self.checkLengths(header: headerByteCount, total: bytes.count)
    let expected = headerByteCount + header.partsByteCount
    guard bytes.count == expected else {
      throw CodingError(
        offset: min(bytes.count, expected),
        problem: bytes.count < expected ? .unexpectedEnd : .trailingBytes)
    }
    var start = headerByteCount
    for part in header.parts {
      guard Hash256.of(bytes[start..<start + part.byteCount]) == part.digest else {
        throw CodingError(offset: start, problem: .digestMismatch("part '\(part.collection)'"))
      }
      start += part.byteCount
    }
    hash = TransactionHeader.hash(ofHeader: bytes[..<headerByteCount])
  }

  private static func checkLengths(header: Int, total: Int) throws(CodingError) {
    guard header <= JournalLimits.headerBytes else {
      throw CodingError(
        offset: 0,
        problem: .tooLong(
          "bytes of a transaction header", length: header, limit: JournalLimits.headerBytes))
    }
    guard total <= JournalLimits.transactionBytes else {
      throw CodingError(offset: 0, problem: .transactionTooLong(total))
    }
  }
}

extension EncodedTransaction {
  /// Decodes the operations.
  ///
  /// - Throws: `CodingError` when a part is not canonical, although its digest is right.
  public func transaction() throws(CodingError) -> JournalTransaction {
    var parts: [CollectionPart] = []
    parts.reserveCapacity(header.parts.count)
    var start = headerByteCount
    for part in header.parts {
      parts.append(
        try CollectionPart(
          collection: part.collection, operationCount: part.operationCount, decoding: bytes,
          from: start, upTo: start + part.byteCount))
      start += part.byteCount
    }
    return JournalTransaction(
      origin: header.origin, sequence: header.sequence, timestamp: header.timestamp,
      dependencies: header.dependencies, schemaEpoch: header.schemaEpoch,
      previousHash: header.previousHash, parts: parts)
  }

  /// Decodes the operations one after the other and passes each on, so that a large transaction
  /// never stands in memory decoded as a whole.
  ///
  /// - Throws: `CodingError` when a part is not canonical, although its digest is right, and
  ///   whatever `body` throws.
  public func forEachOperation(_ body: (Operation) throws -> Void) throws {
    var start = headerByteCount
    for part in header.parts {
      var reader = try OperationReader(
        collection: part.collection, operationCount: part.operationCount, decoding: bytes,
        from: start, upTo: start + part.byteCount)
      while let operation = try reader.next() { try body(operation) }
      start += part.byteCount
    }
  }
}

extension EncodedTransaction: Hashable {
  /// Whether two transactions have the same bytes.
  public static func == (left: EncodedTransaction, right: EncodedTransaction) -> Bool {
    left.hash == right.hash && left.bytes == right.bytes
  }

  /// Feeds the chain hash.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(hash)
  }
}

extension EncodedTransaction: CustomStringConvertible {
  /// The name, the hash, and the size.
  public var description: String { "\(dot) \(hash) (\(bytes.count) bytes)" }
}
