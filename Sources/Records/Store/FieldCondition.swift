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
    switch text {
    case "null": return [.null]
    case "true": return [.bool(true)]
    case "false": return [.bool(false)]
    default:
      if let number = Int64(text) { return [.integer(number), .double(Double(number))] }
      if let number = UInt64(text) { return [.unsigned(number)] }
      // No field holds an infinity or what is not a number.
      guard let number = Double(text), number.isFinite else { return [] }
      return [.double(number)]
    }
  }
}
