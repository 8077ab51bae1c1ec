// SPDX-License-Identifier: Apache-2.0

/// What a transaction says about itself and its parts; the hash chain covers exactly these bytes.
public struct TransactionHeader: Hashable, Sendable {
  /// The number that begins every header of this format.
  static let format: UInt64 = 1
  /// What is hashed before the header's bytes.
  static let hashTag = "record-store transaction"

  /// One collection's operations, which follow the header as bytes.
  public struct Part: Hashable, Sendable {
    /// The collection.
    public let collection: String
    /// How many operations it has, at least one.
    public let operationCount: Int
    /// How many bytes it has.
    public let byteCount: Int
    /// The SHA-256 of its bytes.
    public let digest: Hash256
  }

  /// Who wrote the transaction.
  public let origin: Origin
  /// Its place in the origin's sequence, from 1.
  public let sequence: UInt64
  /// When it was written.
  public let timestamp: HybridTimestamp
  /// Everything the origin had applied when it wrote, without the origin itself.
  public let dependencies: VersionVector
  /// The schema it was written under.
  public let schemaEpoch: UInt64
  /// The hash of the origin's previous transaction; `.zero` before the first.
  public let previousHash: Hash256
  /// The parts, ordered by collection (bytes).
  public let parts: [Part]

  /// The transaction's name.
  public var dot: Dot { Dot(origin: origin, sequence: sequence) }

  /// How many operations all parts have.
  public var operationCount: Int { parts.reduce(0) { $0 + $1.operationCount } }

  /// How many bytes all parts have.
  var partsByteCount: Int { parts.reduce(0) { $0 + $1.byteCount } }
}

extension TransactionHeader {
  /// The chain hash of a transaction whose header has these bytes.
  static func hash(ofHeader bytes: ArraySlice<UInt8>) -> Hash256 {
    var hasher = Hasher256()
    hasher.update(Array(hashTag.utf8))
    hasher.update(bytes)
    return hasher.finish()
  }
}
