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
    let fields = try readFields(context)
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

  private func readFields(_ context: Context) throws -> [StoredRecord.Field] {
    let isPiped = json == "-"
    let text =
      isPiped
      ? try InputFile("-", context.interruption).readAll(limit: Self.byteLimit) : Array(json.utf8)
    do {
      return try StoredRecord.fields(fromJSON: text)
    } catch {
      let name = isPiped ? "standard input" : "the record"
      throw Failure(.failure, "\(name): \(error)", hint: #"a JSON object: '{"name": "Ada"}'"#)
    }
  }
}
