// SPDX-License-Identifier: Apache-2.0

public import DurableMemory
import FoundationEssentials

/// Any `Codable` value as a value of a durable map, written as JSON.
///
/// The type is recorded by its name, which the program gives: the fields may change as JSON allows.
/// As keys only such types are of use whose JSON is always the same; members are written in the
/// order of their names for this.
public struct DurableJSON<Value: Codable & Sendable>: DurableCodable {
  /// The value.
  public let value: Value
  private let bytes: [UInt8]

  /// Encodes a value.
  ///
  /// - Throws: what its encoding throws; for a floating-point number that is none, as JSON has no
  ///   such.
  public init(_ value: Value) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    self.value = value
    bytes = [UInt8](try encoder.encode(value))
  }

  /// `json(…)` with the name of the type, without those of what it is declared in.
  public static var durableType: String { "json(\(Value.self))" }

  /// The bytes of the JSON.
  public var durableByteCount: Int { bytes.count }

  /// Writes the JSON.
  public func encode(into writer: inout DurableWriter) {
    let bytes = bytes.span
    writer.write(bytes)
  }

  /// Reads JSON.
  ///
  /// - Throws: when it is none, or of another type.
  public init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
    let bytes = try [UInt8](decoding: bytes)
    do {
      value = try JSONDecoder().decode(Value.self, from: Data(bytes))
    } catch {
      throw DurableDecodingError("\(error)")
    }
    self.bytes = bytes
  }
}
