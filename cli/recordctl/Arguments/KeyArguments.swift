// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import ChangeJournal
public import Records

extension RecordKeyType: ExpressibleByArgument {}

/// COLLECTION, KEY and `--key-type`: one record.
struct KeyArguments: ParsableArguments {
  @Argument(help: "The collection.")
  var collection: String

  @Argument(help: "The record's key, as text or as an integer or UUID is written.")
  var key: String

  @Option(help: ArgumentHelp("The kind of key: text, integer or uuid.", valueName: "type"))
  var keyType: RecordKeyType?

  func validate() throws {
    guard let keyType, RecordKey(spelled: key, as: keyType) == nil else { return }
    throw ValidationError("'\(key)' is no \(keyType.rawValue) key")
  }

  /// The key that is meant: of the type asked for, else the text key, or, where only that exists,
  /// the integer or UUID key of the same spelling.
  func key(in reader: some RecordReader) throws -> RecordKey {
    if let keyType, let key = RecordKey(spelled: key, as: keyType) { return key }
    for type in RecordKeyType.allCases {
      guard let key = RecordKey(spelled: key, as: type) else { continue }
      if try reader.get(collection, key) != nil { return key }
    }
    return .text(key)
  }

  /// The failure for a record that is not there.
  func notFound(in context: Context) -> Failure {
    Failure(
      .notFound, "no record \(key) in collection \(collection) of \(context.store)",
      hint: "'recordctl list \(collection)' shows the keys")
  }
}
