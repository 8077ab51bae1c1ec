// SPDX-License-Identifier: Apache-2.0

public import DurableMemory
public import FoundationEssentials

/// A UUID as key or value of a durable map: the same bytes and type as a `UUIDElement` of
/// the engine.
extension UUID: DurableCodable {
  /// `uuid`.
  public static var durableType: String { "uuid" }
  /// Sixteen bytes.
  public static var durableWidth: Int? { 16 }
  /// Sixteen bytes.
  public var durableByteCount: Int { 16 }

  /// Writes the sixteen bytes.
  public func encode(into writer: inout DurableWriter) {
    let u = uuid
    for byte in [
      u.0, u.1, u.2, u.3, u.4, u.5, u.6, u.7, u.8, u.9, u.10, u.11, u.12, u.13, u.14, u.15,
    ] { writer.write(byte) }
  }

  /// Reads sixteen bytes.
  ///
  /// - Throws: when they are not sixteen.
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    guard bytes.count == 16 else { throw DurableDecodingError("a UUID has 16 bytes") }
    let b = bytes
    self.init(
      uuid: (
        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
        b[14], b[15]
      ))
  }
}

/// A moment as key or value of a durable map: the bits of its seconds since the reference date.
extension Date: DurableCodable {
  /// `date`.
  public static var durableType: String { "date" }
  /// Eight bytes.
  public static var durableWidth: Int? { 8 }
  /// Eight bytes.
  public var durableByteCount: Int { 8 }

  /// Writes the bits of the seconds.
  public func encode(into writer: inout DurableWriter) {
    timeIntervalSinceReferenceDate.encode(into: &writer)
  }

  /// Reads the bits of the seconds.
  ///
  /// - Throws: when they are not eight bytes.
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    self.init(timeIntervalSinceReferenceDate: try Double(decoding: bytes))
  }
}

/// Bytes as key or value of a durable map: the same type as `[UInt8]`.
extension Data: DurableCodable {
  /// `bytes`.
  public static var durableType: String { [UInt8].durableType }
  /// As many as there are.
  public var durableByteCount: Int { count }

  /// Writes them as they are.
  public func encode(into writer: inout DurableWriter) {
    let bytes = [UInt8](self)
    bytes.encode(into: &writer)
  }

  /// Copies the bytes.
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    self.init(try [UInt8](decoding: bytes))
  }
}
