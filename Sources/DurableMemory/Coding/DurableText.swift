// SPDX-License-Identifier: Apache-2.0

extension String: DurableCodable {
  /// `string`.
  @inlinable public static var durableType: String { "string" }
  /// As many as its UTF-8 has.
  @inlinable public var durableByteCount: Int { utf8.count }

  /// Writes its UTF-8.
  @inlinable
  public func encode(into writer: inout DurableWriter) {
    withDurableBytes { writer.write($0) }
  }

  /// Reads UTF-8.
  ///
  /// - Throws: when it is none.
  @inlinable
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    guard let text = bytes.text else { throw DurableDecodingError("not UTF-8") }
    self = text
  }

  /// Lends its UTF-8.
  @inlinable
  @inline(__always)
  public func withDurableBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
    Scratch.lend(self, body)
  }
}

/// Looks for a text by a part of another.
extension Substring: DurableCodable {
  /// A whole text.
  public typealias DurableForm = String
  /// `string`.
  @inlinable public static var durableType: String { "string" }
  /// As many as its UTF-8 has.
  @inlinable public var durableByteCount: Int { utf8.count }

  /// Writes its UTF-8.
  @inlinable
  public func encode(into writer: inout DurableWriter) {
    withDurableBytes { writer.write($0) }
  }

  /// Reads UTF-8.
  ///
  /// - Throws: when it is none.
  @inlinable
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    self = Substring(try String(decoding: bytes))
  }

  /// Lends its UTF-8.
  @inlinable
  @inline(__always)
  public func withDurableBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
    Scratch.lend(self, body)
  }
}
