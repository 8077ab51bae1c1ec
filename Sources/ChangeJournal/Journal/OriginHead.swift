// SPDX-License-Identifier: Apache-2.0

/// What a store knows of an origin: its last applied transaction.
public struct OriginHead: Hashable, Sendable {
  /// The origin.
  public let origin: Origin
  /// The last sequence applied.
  public let sequence: UInt64
  /// The chain hash of that transaction.
  public let hash: Hash256
  /// The timestamp of that transaction, which is the highest of the origin.
  public let timestamp: HybridTimestamp
  /// The tag of the origin.
  public let tag: UInt64

  /// The name of the last transaction applied.
  public var dot: Dot { Dot(origin: origin, sequence: sequence) }

  /// Place and hash of the last transaction applied.
  public var chainHead: ChainHead { ChainHead(sequence: sequence, hash: hash) }
}

extension OriginHead {
  /// What is known before the first transaction.
  init(of origin: Origin) {
    self.init(
      origin: origin, sequence: 0, hash: .zero, timestamp: HybridTimestamp(rawValue: 0),
      tag: origin.tag)
  }

  /// What is known after a transaction of the same origin.
  func advanced(to transaction: EncodedTransaction) -> OriginHead {
    OriginHead(
      origin: origin, sequence: transaction.header.sequence, hash: transaction.hash,
      timestamp: transaction.header.timestamp, tag: tag)
  }

  /// The value kept in the tree of origins.
  func encoded() -> [UInt8] {
    var writer = CBORWriter(capacity: 64)
    writer.write(arrayCount: 4)
    writer.write(unsigned: sequence)
    writer.write(hash)
    writer.write(unsigned: timestamp.rawValue)
    writer.write(unsigned: tag)
    return writer.take()
  }

  /// Reads key and value of the tree of origins.
  init(key: [UInt8], value: [UInt8]) throws(CodingError) {
    guard let origin = Origin(bytes: key) else {
      throw CodingError(offset: 0, problem: .malformed("origin"))
    }
    var reader = CBORReader(value)
    guard try reader.readArrayCount() == 4 else { throw reader.error(.malformed("head")) }
    self.init(
      origin: origin, sequence: try reader.readSequence(), hash: try reader.readHash(),
      timestamp: HybridTimestamp(rawValue: try reader.readUnsigned()),
      tag: try reader.readUnsigned())
    try reader.finish()
  }
}

/// The heads of all origins of a store at one moment.
public struct JournalHeads: Sendable {
  /// The heads by origin.
  private var byOrigin: [Origin: OriginHead] = [:]
  /// Everything applied.
  public private(set) var applied = VersionVector()
  /// The clock: above the timestamp of everything applied.
  public private(set) var clock = HybridClock()
  /// Whose tag is whose.
  private(set) var tags: [UInt64: Origin] = [:]

  /// No origins.
  init() {}

  /// The head of an origin; sequence 0 when nothing of it is applied.
  func head(of origin: Origin) -> OriginHead {
    byOrigin[origin] ?? OriginHead(of: origin)
  }

  /// The heads in the order of their origins.
  public var ordered: [OriginHead] {
    applied.entries.map { head(of: $0.origin) }
  }

  /// Replaces the head of an origin.
  mutating func set(_ head: OriginHead) {
    if byOrigin.updateValue(head, forKey: head.origin) == nil { tags[head.tag] = head.origin }
    applied[head.origin] = head.sequence
    clock.observe(head.timestamp)
  }
}
