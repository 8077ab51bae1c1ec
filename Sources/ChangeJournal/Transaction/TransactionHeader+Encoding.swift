// SPDX-License-Identifier: Apache-2.0

extension CBORWriter {
  /// Writes a transaction's header.
  ///
  /// - Throws: `CodingError` for what no header may hold.
  mutating func write(_ header: TransactionHeader) throws(CodingError) {
    try header.validate()
    write(arrayCount: 8)
    write(unsigned: TransactionHeader.format)
    write(header.origin)
    write(unsigned: header.sequence)
    write(unsigned: header.timestamp.rawValue)
    try write(header.dependencies)
    write(unsigned: header.schemaEpoch)
    write(header.previousHash)
    write(arrayCount: header.parts.count)
    for part in header.parts {
      write(arrayCount: 4)
      write(text: part.collection)
      write(unsigned: UInt64(part.operationCount))
      write(unsigned: UInt64(part.byteCount))
      write(part.digest)
    }
  }
}

extension CBORReader {
  /// Reads a transaction's header.
  mutating func readTransactionHeader() throws(CodingError) -> TransactionHeader {
    let start = position
    guard try readArrayCount() == 8 else {
      throw CodingError(offset: start, problem: .malformed("transaction header"))
    }
    let format = try readUnsigned()
    guard format == TransactionHeader.format else {
      throw CodingError(offset: start, problem: .unknownFormat(format))
    }
    let header = TransactionHeader(
      origin: try readOrigin(), sequence: try readSequence(),
      timestamp: HybridTimestamp(rawValue: try readUnsigned()),
      dependencies: try readVersionVector(), schemaEpoch: try readUnsigned(),
      previousHash: try readHash(), parts: try readHeaderParts())
    do {
      try header.validate()
    } catch {
      throw error.shifted(by: start)
    }
    return header
  }

  private mutating func readHeaderParts() throws(CodingError) -> [TransactionHeader.Part] {
    let start = position
    let count = try readArrayCount()
    guard count <= JournalLimits.transactionParts else {
      throw CodingError(offset: start, problem: .tooManyParts(count))
    }
    var parts: [TransactionHeader.Part] = []
    for _ in 0..<count {
      guard try readArrayCount() == 4 else { throw error(.malformed("part of a header")) }
      parts.append(
        TransactionHeader.Part(
          collection: try readText("collection name", limit: JournalLimits.collectionNameBytes),
          operationCount: try readPartLength("an operation count"),
          byteCount: try readPartLength("the length of a part"),
          digest: try readHash()))
    }
    return parts
  }

  /// Reads a number from 1 to the limit of a transaction's bytes: no part has more of anything.
  private mutating func readPartLength(_ what: String) throws(CodingError) -> Int {
    let start = position
    let number = try readUnsigned()
    guard (1...UInt64(JournalLimits.transactionBytes)).contains(number) else {
      throw CodingError(offset: start, problem: .outOfRange(what))
    }
    return Int(number)
  }
}

extension TransactionHeader {
  /// Checks what the encoding alone does not rule out; offsets are 0.
  fileprivate func validate() throws(CodingError) {
    guard (1...JournalLimits.sequence).contains(sequence) else {
      throw CodingError(offset: 0, problem: .outOfRange("a sequence"))
    }
    guard (sequence == 1) == (previousHash == .zero) else {
      throw CodingError(offset: 0, problem: .malformed("previous hash"))
    }
    guard dependencies[origin] == 0 else {
      throw CodingError(offset: 0, problem: .malformed("dependency on the origin itself"))
    }
    try validateParts()
  }

  private func validateParts() throws(CodingError) {
    guard parts.count <= JournalLimits.transactionParts else {
      throw CodingError(offset: 0, problem: .tooManyParts(parts.count))
    }
    var total = 0
    var previous: String?
    for part in parts {
      let length = part.collection.utf8.count
      guard (1...JournalLimits.collectionNameBytes).contains(length) else {
        throw CodingError(
          offset: 0,
          problem: .tooLong(
            "collection name", length: length, limit: JournalLimits.collectionNameBytes))
      }
      if let previous, !ByteOrder.precedes(previous, part.collection) {
        throw CodingError(offset: 0, problem: .unordered("collections"))
      }
      previous = part.collection
      total += part.byteCount
      guard total <= JournalLimits.transactionBytes else {
        throw CodingError(offset: 0, problem: .transactionTooLong(total))
      }
    }
  }
}

extension CodingError.Problem {
  static func tooManyParts(_ count: Int) -> Self {
    .tooLong(
      "collections in a transaction", length: count, limit: JournalLimits.transactionParts)
  }

  static func transactionTooLong(_ length: Int) -> Self {
    .tooLong("bytes of a transaction", length: length, limit: JournalLimits.transactionBytes)
  }
}
