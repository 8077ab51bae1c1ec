// SPDX-License-Identifier: Apache-2.0

/// Why a model cannot become a record, or a record no model.
public enum ModelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The record has no such field, or the map no such name.
  case missing(path: String)
  /// A value is there, and of another kind.
  case mismatch(path: String, expected: String)
  /// A number does not fit in the model's type.
  case outOfRange(path: String)
  /// A number is infinite or not a number.
  case notFinite(path: String)
  /// The model does not encode named properties.
  case notARecord
  /// The model encodes its fields in a way that records do not have.
  case unsupported(path: String, what: String)

  /// One sentence for people.
  public var description: String {
    switch self {
    case .missing(let path): "\(path) is missing"
    case .mismatch(let path, let expected): "\(path) is not \(expected)"
    case .outOfRange(let path): "\(path) is a number out of the range of its type"
    case .notFinite(let path): "\(path) is infinite or not a number"
    case .notARecord: "only a model with named properties can be a record"
    case .unsupported(let path, let what): "\(path): \(what)"
    }
  }
}

/// The way to a value inside a record.
struct ModelPath {
  let keys: [any CodingKey]

  /// The names with full stops between them.
  var text: String {
    keys.isEmpty ? "the record" : keys.map(\.stringValue).joined(separator: ".")
  }

  func appending(_ key: some CodingKey) -> ModelPath {
    ModelPath(keys: keys + [key])
  }
}

/// A place in an array, or a name that no model has declared.
struct ModelKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  init(stringValue: String) {
    self.stringValue = stringValue
    intValue = nil
  }

  init(intValue: Int) {
    stringValue = "\(intValue)"
    self.intValue = intValue
  }

  /// What `super` containers are named.
  static let parent = ModelKey(stringValue: "super")
}
