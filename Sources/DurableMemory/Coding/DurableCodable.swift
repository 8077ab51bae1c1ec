// SPDX-License-Identifier: Apache-2.0

/// A type that durable maps can have as keys and values.
///
/// Two keys are one where their bytes are the same, whatever `==` says: the two spellings of "é" in
/// Unicode are two keys, and so are −0.0 and 0.0. What `encode` writes must depend on the value
/// alone.
public protocol DurableCodable: Sendable {
  /// The type whose bytes these are: for a part of something, such as a `Substring`, the whole.
  associatedtype DurableForm: DurableCodable = Self

  /// The name of the type in the store, which is compared when a map is opened.
  ///
  /// 1 to 255 bytes. Change it when the bytes change their meaning.
  static var durableType: String { get }

  /// How many bytes every value has; `nil` when they differ.
  static var durableWidth: Int? { get }

  /// How many bytes `encode` writes.
  var durableByteCount: Int { get }

  /// Writes the value as bytes.
  func encode(into writer: inout DurableWriter)

  /// Reads a value; may keep nothing of the bytes but copies.
  ///
  /// - Throws: when the bytes are none of a value.
  init(decoding bytes: Span<UInt8>) throws(DurableDecodingError)

  /// Lends the bytes that `encode` writes.
  func withDurableBytes<R>(_ body: (Span<UInt8>) -> R) -> R
}

extension DurableCodable {
  /// Differing numbers of bytes.
  @inlinable public static var durableWidth: Int? { nil }

  /// Encodes the value into memory that is lent.
  @inlinable
  public func withDurableBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
    Scratch.withWriter(durableByteCount) { writer in
      encode(into: &writer)
      return writer.lend { body($0) }
    }
  }
}

/// Bytes that are no value of the type they are read as.
public struct DurableDecodingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong, in words.
  public let problem: String

  /// Creates an error.
  public init(_ problem: String) {
    self.problem = problem
  }

  /// What is wrong, in words.
  public var description: String { problem }

  /// Bytes of another number than every value has.
  @usableFromInline
  @inline(never)
  static func length(_ found: Int, expected: Int) -> DurableDecodingError {
    DurableDecodingError("\(found) bytes instead of \(expected)")
  }
}
