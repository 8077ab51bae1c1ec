// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// What a set of transactions means, worked out the slow way, from nothing but the rules.
///
/// * A write covers exactly what its transaction's dependencies include, and earlier ones of its
///   own origin.
/// * Of the writes to a field that no other covers, the one with the highest (timestamp, origin
///   tag) is seen.
/// * A record is there if any of the patches and deletes that no other covers is a patch.
struct ReferenceModel {
  fileprivate struct Write {
    let header: TransactionHeader
    let value: Value?

    func covers(_ other: Write) -> Bool {
      header.origin == other.header.origin
        ? header.sequence > other.header.sequence
        : header.dependencies.covers(other.header.dot)
    }

    func isSeen(before other: Write) -> Bool {
      (header.timestamp, header.origin.tag) > (other.header.timestamp, other.header.origin.tag)
    }
  }

  private struct Row {
    /// One entry for each transaction that touches the record: `nil` deletes it.
    var life: [Write] = []
    var fields: [String: [Write]] = [:]
  }

  private struct Place: Hashable {
    let collection: String
    let key: RecordKey
  }

  private var rows: [Place: Row] = [:]

  /// Takes transactions in any order.
  init(_ transactions: [EncodedTransaction]) throws {
    for transaction in transactions {
      for part in try transaction.transaction().parts {
        for operation in part.operations { add(operation, transaction.header) }
      }
    }
  }

  private mutating func add(_ operation: Operation, _ header: TransactionHeader) {
    let place = Place(collection: operation.collection, key: operation.key)
    switch operation.change {
    case .delete:
      rows[place, default: Row()].life.replaceOwn(Write(header: header, value: nil))
    case .patch(let changes):
      rows[place, default: Row()].life.replaceOwn(Write(header: header, value: .bool(true)))
      for change in changes {
        rows[place, default: Row()].fields[change.field, default: []]
          .replaceOwn(Write(header: header, value: change.value))
      }
    }
  }

  /// The records that are seen, as lines of text in order.
  func lines() -> [String] {
    rows.compactMap { place, row in
      guard Self.uncovered(row.life).contains(where: { $0.value != nil }) else { return nil }
      let fields = row.fields.compactMap { name, writes -> String? in
        let seen = Self.uncovered(writes).max { $1.isSeen(before: $0) }
        return seen?.value.map { "\(name)=\($0)" }
      }
      return "\(place.collection) \(place.key): \(fields.sorted().joined(separator: " "))"
    }
    .sorted()
  }

  private static func uncovered(_ writes: [Write]) -> [Write] {
    writes.filter { write in !writes.contains { $0.covers(write) } }
  }
}

extension [ReferenceModel.Write] {
  /// Of several writes in one transaction the last one counts.
  fileprivate mutating func replaceOwn(_ write: ReferenceModel.Write) {
    if let last, last.header.dot == write.header.dot { removeLast() }
    append(write)
  }
}
