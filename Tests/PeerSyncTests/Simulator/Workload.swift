// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Records
import TestSupport

/// Local writes on few records and fields, so that conflicts abound.
enum Workload {
  private static let collections = ["people", "places"]
  private static let keys: [RecordKey] = [
    .integer(-1), .integer(7), .text("a"), .text("b"), .uuid(UUIDBytes(high: 1, low: 2)),
  ]
  private static let fields = ["name", "number", "text"]

  /// Makes one to four changes.
  static func change(_ transaction: RecordTransaction, _ random: inout SplitMix64) throws {
    for _ in 0...random.below(4) {
      let collection = collections[random.below(collections.count)]
      let key = keys[random.below(keys.count)]
      switch random.below(10) {
      case 0..<3: try transaction.delete(collection, key)
      case 3..<6:
        let names = fields.filter { _ in random.chance(1, in: 2) }
        try transaction.put(
          collection, key, names.map { StoredRecord.Field($0, value(&random)) })
      default:
        let names = fields.filter { _ in random.chance(1, in: 2) }
        try transaction.patch(
          collection, key,
          names.map { name in
            FieldChange(field: name, value: random.chance(1, in: 5) ? nil : value(&random))
          })
      }
    }
  }

  private static func value(_ random: inout SplitMix64) -> Value {
    switch random.below(400) {
    case 0: .bytes(random.bytes(1_200_000))
    case 1..<100: .text("text \(random.below(5))")
    case 100..<130: .null
    case 130..<160: .double(Double(random.below(8)) / 4)
    case 160..<180: .array([.integer(1), .bool(random.chance(1, in: 2))])
    default: .integer(Int64(random.below(5)))
    }
  }
}
