// SPDX-License-Identifier: Apache-2.0

public import DurableMemory
public import SwiftProtobuf

/// A message of Protocol Buffers as a value of a durable map, in its binary form.
///
/// The type is recorded by the full name of the message: its fields may change as Protocol Buffers
/// allow, and fields that this program does not know are kept. As keys messages are of little use:
/// the same message may have other bytes in another version of its type.
public struct DurableMessage<Message: SwiftProtobuf.Message & Sendable>: DurableCodable {
  /// The message.
  public let message: Message
  private let bytes: [UInt8]

  /// Encodes a message.
  ///
  /// - Throws: what its encoding throws: where a required field is missing, or beyond two gigabytes.
  public init(_ message: Message) throws {
    var options = BinaryEncodingOptions()
    // Else two encodings of one map field may differ.
    options.useDeterministicOrdering = true
    self.message = message
    bytes = try message.serializedBytes(options: options)
  }

  /// `protobuf(…)` with the full name of the message.
  public static var durableType: String { "protobuf(\(Message.protoMessageName))" }

  /// The bytes of the message; 0 where all fields have their defaults.
  public var durableByteCount: Int { bytes.count }

  /// Writes the message.
  public func encode(into writer: inout DurableWriter) {
    let bytes = bytes.span
    writer.write(bytes)
  }

  /// Reads a message.
  ///
  /// - Throws: when the bytes are none.
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    let bytes = try [UInt8](decoding: bytes)
    do {
      message = try Message(serializedBytes: bytes)
    } catch {
      throw DurableDecodingError("\(error)")
    }
    self.bytes = bytes
  }
}
