// SPDX-License-Identifier: Apache-2.0

extension EncodedParts {
  /// The canonical bytes of one part, encoded by the caller.
  public struct Assembled: Sendable {
    /// The collection.
    public let collection: String
    /// How many operations the bytes hold.
    public let operationCount: Int
    /// The canonical bytes of the part.
    public let bytes: [UInt8]

    /// Joins a collection and the canonical bytes of its operations.
    public init(collection: String, operationCount: Int, bytes: [UInt8]) {
      self.collection = collection
      self.operationCount = operationCount
      self.bytes = bytes
    }
  }

  /// Takes parts that the caller has encoded in the canonical form, ordered by collection.
  ///
  /// For the record store, which writes operations straight from the bytes of an import.
  ///
  /// - Throws: `.tooLong` when the parts are longer than a transaction may be.
  public init(assembled: [Assembled]) throws(CodingError) {
    let total = assembled.reduce(0) { $0 + $1.bytes.count }
    guard total <= JournalLimits.transactionBytes else {
      throw CodingError(offset: 0, problem: .transactionTooLong(total))
    }
    parts = assembled.map { part in
      TransactionHeader.Part(
        collection: part.collection, operationCount: part.operationCount,
        byteCount: part.bytes.count, digest: .of(part.bytes))
    }
    if assembled.count == 1 {
      bytes = assembled[0].bytes
    } else {
      var joined: [UInt8] = []
      joined.reserveCapacity(total)
      for part in assembled { joined += part.bytes }
      bytes = joined
    }
  }
}
