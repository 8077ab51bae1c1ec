// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ChangeJournal
import Records

/// `recordctl put`.
struct Put: StoreCommand {
  /// The longest JSON text that is taken.
  private static let byteLimit = 64 << 20

  static let configuration = CommandConfiguration(
    abstract: "Write a record.",
    discussion: """
      The record has the fields of the JSON object afterwards, and no others. What is equal \
      already is not written again.
      """)

  @OptionGroup var record: KeyArguments

  @Argument(help: "A JSON object, or - to read it from standard input.")
  var json: String

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try RecordStore.open(at: context.store)
    defer { try? store.close() }
    let object = try object(readText(context))
    let isChanged = try store.write { transaction in
      let key = try record.key(in: transaction)
      try check(object, against: key)
      return try transaction.put(record.collection, key, object.fields)
    }
    try store.close()
    try context.report([
      "collection": .text(record.collection), "key": .text(record.key),
      "changed": .bool(isChanged),
    ])
    return .success
  }

  private func readText(_ context: Context) throws -> [UInt8] {
    guard json == "-" else { return Array(json.utf8) }
    return try InputFile("-", context.interruption).readAll(limit: Self.byteLimit)
  }

  /// Refuses an object that says it is another record, as a printed one does.
  private func check(_ object: RecordObject, against key: RecordKey) throws {
    if let named = object.key, RecordKey(jsonValue: named) != key {
      throw Failure(
        .failure,
        "the record: its _key is \(Self.text(named.json)), and not \(Self.text(key.json))",
        hint: "its own key on the command line, or the object without _key")
    }
    if let named = object.collection, named != .text(record.collection) {
      throw Failure(
        .failure,
        "the record: its _collection is \(Self.text(named.json)), and not "
          + Self.text(Value.text(record.collection).json))
    }
  }

  private static func text(_ json: [UInt8]) -> String { String(decoding: json, as: UTF8.self) }

  private func object(_ text: [UInt8]) throws -> RecordObject {
    do {
      return try RecordObject(json: text)
    } catch {
      throw Failure(.failure, "the record: \(error)", hint: #"a JSON object: '{"name": "Ada"}'"#)
    }
  }
}
