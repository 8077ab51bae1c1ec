// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ChangeJournal
import Records

/// What kind of key a KEY on the command line is.
enum KeyType: String, CaseIterable, ExpressibleByArgument, Sendable {
  case text, integer, uuid
}

/// COLLECTION, KEY and `--key-type`: one record.
struct KeyArguments: ParsableArguments {
  @Argument(help: "The collection.")
  var collection: String

  @Argument(help: "The record's key, as text or as an integer or UUID is written.")
  var key: String

  @Option(help: ArgumentHelp("The kind of key: text, integer or uuid.", valueName: "type"))
  var keyType: KeyType?

  func validate() throws {
    guard let keyType, Self.key(spelled: key, as: keyType) == nil else { return }
    throw ValidationError("'\(key)' is no \(keyType.rawValue) key")
  }

  /// The key that is meant: of the type asked for, else the text key, or, where only that exists,
  /// the integer or UUID key of the same spelling.
  func key(in reader: some RecordReader) throws -> RecordKey {
    if let keyType, let key = Self.key(spelled: key, as: keyType) { return key }
    for type in KeyType.allCases {
      guard let key = Self.key(spelled: key, as: type) else { continue }
      if try reader.get(collection, key) != nil { return key }
    }
    return .text(key)
  }

  /// The key of that type which is written so; nil when none is.
  static func key(spelled text: String, as type: KeyType) -> RecordKey? {
    switch type {
    case .text: .text(text)
    case .integer: Int64(text).flatMap { "\($0)" == text ? RecordKey.integer($0) : nil }
    case .uuid: UUIDBytes(text).map(RecordKey.uuid)
    }
  }

  /// The failure for a record that is not there.
  func notFound(in context: Context) -> Failure {
    Failure(
      .notFound, "no record \(key) in collection \(collection) of \(context.store)",
      hint: "'recordctl list \(collection)' shows the keys")
  }
}
