// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// The kinds of key.
public enum RecordKeyType: String, CaseIterable, Sendable {
  /// Text as it is.
  case text
  /// A whole number in decimal digits.
  case integer
  /// A UUID in groups of hexadecimal digits.
  case uuid
}

extension RecordKey {
  /// The key of a type that is written so; `nil` when none is.
  public init?(spelled text: String, as type: RecordKeyType) {
    switch type {
    case .text: self = .text(text)
    case .integer:
      // Each number has one spelling.
      guard let number = Int64(text), "\(number)" == text else { return nil }
      self = .integer(number)
    case .uuid:
      guard let uuid = UUIDBytes(text) else { return nil }
      self = .uuid(uuid)
    }
  }
}
