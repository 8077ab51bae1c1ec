// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
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
    let fields = try fields(readText(context))
    let isChanged = try store.write { transaction in
      try transaction.put(record.collection, record.key(in: transaction), fields)
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

  private func fields(_ text: [UInt8]) throws -> [StoredRecord.Field] {
    do {
      return try StoredRecord.fields(fromJSON: text)
    } catch {
      throw Failure(.failure, "the record: \(error)", hint: #"a JSON object: '{"name": "Ada"}'"#)
    }
  }
}
