// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// A condition on a field, written `FIELD=VALUE`.
public struct FieldCondition: Sendable, Equatable {
  /// The field.
  public let field: String
  /// What it may hold: the text as it is written, and the number, boolean or null written so.
  public let values: [Value]

  /// Reads a condition; `nil` without an equals sign.
  public init?(parsing text: String) {
    // By bytes: with a combining mark behind it the sign would be another character.
    guard let sign = text.utf8.firstIndex(of: UInt8(ascii: "=")) else { return nil }
    field = String(text[..<sign])
    let value = String(text[text.utf8.index(after: sign)...])
    values = [.text(value)] + Self.scalars(spelled: value)
  }

  /// Whether a record has the field and it holds one of the values.
  public func holds(for record: StoredRecord) -> Bool {
    record[field].map(values.contains) ?? false
  }

  /// The values besides a text that are written so in JSON.
  private static func scalars(spelled text: String) -> [Value] {
    guard let value = try? Value(fromJSON: Array(text.utf8)) else { return [] }
    // One number may be kept as an integer or as a double.
    switch value {
    case .null, .bool: return [value]
    case .integer(let number):
      return [value] + (Double(exactly: number).map { [.double($0)] } ?? [])
    case .unsigned(let number):
      return [value] + (Double(exactly: number).map { [.double($0)] } ?? [])
    case .double(let number):
      if let integer = Int64(exactly: number) { return [value, .integer(integer)] }
      return [value] + (UInt64(exactly: number).map { [.unsigned($0)] } ?? [])
    default: return []
    }
  }
}
