// SPDX-License-Identifier: Apache-2.0

/// Who wrote a transaction: a replica in one of its incarnations.
///
/// A copied or restored file takes a new random incarnation before it writes, so that two files
/// never continue the same sequence.
public struct Origin: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The replica.
  public let replica: ReplicaID
  /// The incarnation of the replica: random, not a counter.
  public let incarnation: UInt64

  /// Names a replica in one of its incarnations.
  public init(replica: ReplicaID, incarnation: UInt64) {
    self.replica = replica
    self.incarnation = incarnation
  }

  /// Orders by canonical bytes.
  public static func < (left: Origin, right: Origin) -> Bool {
    (left.replica.high, left.replica.low, left.incarnation)
      < (right.replica.high, right.replica.low, right.incarnation)
  }
}

extension Origin {
  /// How many canonical bytes an origin has.
  public static var byteCount: Int { 24 }

  /// The canonical bytes: the replica's sixteen, then the incarnation, most significant first.
  public var bytes: [UInt8] {
    [UInt8](bigEndian: [replica.high, replica.low, incarnation])
  }

  /// Takes exactly twenty-four canonical bytes; `nil` for any other number of them.
  public init?(bytes: some Collection<UInt8>) {
    let bytes = ArraySlice(bytes)
    guard bytes.count == Self.byteCount else { return nil }
    self.init(
      replica: ReplicaID(high: bytes.bigEndianWord(at: 0), low: bytes.bigEndianWord(at: 8)),
      incarnation: bytes.bigEndianWord(at: 16))
  }

  /// The short name of the origin inside records: the first eight bytes, most significant first, of
  /// `SHA-256("record-store origin" || canonical bytes)`.
  ///
  /// Computed on each call.
  public var tag: UInt64 {
    Hash256.of(Array("record-store origin".utf8) + bytes).words.0
  }
}

extension Origin: LosslessStringConvertible {
  /// Replica and incarnation in lowercase hexadecimal: 32 digits, a full stop, 16 digits.
  public var description: String {
    replica.description + "." + Hexadecimal.text(incarnation)
  }

  /// Reads the form that `description` writes; `nil` for anything else.
  public init?(_ description: String) {
    self.init(parsing: description[...])
  }

  /// Reads the form that `description` writes.
  init?(parsing text: Substring) {
    let digits = text.utf8
    guard digits.count == 49, let stop = digits.firstIndex(of: UInt8(ascii: ".")),
      let replica = ReplicaID(hexadecimal: Substring(digits[..<stop])),
      let incarnation = Hexadecimal.number(digits[digits.index(after: stop)...])
    else { return nil }
    self.init(replica: replica, incarnation: incarnation)
  }
}
