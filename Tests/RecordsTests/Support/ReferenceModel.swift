// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import Testing

/// What records must be after a set of transactions, worked out from the whole set at once and
/// without any of the code under test: of all writes of a register those count that no other
/// write of it has seen.
struct ReferenceModel {
  /// A write of one register, by one transaction.
  struct Write: Hashable {
    let dot: Dot
    let timestamp: UInt64
    /// `nil` where a field was removed or the record deleted.
    let value: Value?
  }

  struct Key: Hashable {
    let collection: ByteText
    let key: RecordKey
  }

  struct RecordWrites {
    var life: [Write] = []
    var fields: [ByteText: [Write]] = [:]
  }

  private var dependencies: [Dot: VersionVector] = [:]
  private(set) var records: [Key: RecordWrites] = [:]

  init(_ transactions: [EncodedTransaction]) throws {
    for encoded in transactions {
      let transaction = try encoded.transaction()
      dependencies[encoded.dot] = transaction.dependencies
      for operation in transaction.parts.flatMap(\.operations) {
        add(operation, transaction)
      }
    }
  }

  private mutating func add(_ operation: Operation, _ transaction: JournalTransaction) {
    let key = Key(collection: ByteText(operation.collection), key: operation.key)
    var writes = records[key] ?? RecordWrites()
    func write(_ value: Value?) -> Write {
      Write(dot: transaction.dot, timestamp: transaction.timestamp.rawValue, value: value)
    }
    // Of several writes of one transaction to one register the last holds.
    func replace(_ list: inout [Write], _ value: Value?) {
      list.removeAll { $0.dot == transaction.dot }
      list.append(write(value))
    }
    switch operation.change {
    case .delete: replace(&writes.life, nil)
    case .patch(let changes):
      replace(&writes.life, .bool(true))
      for change in changes {
        replace(&writes.fields[ByteText(change.field), default: []], change.value)
      }
    }
    records[key] = writes
  }

  /// Whether the transaction of `later` has seen that of `earlier`.
  private func covers(_ later: Dot, _ earlier: Dot) -> Bool {
    if later.origin == earlier.origin { return earlier.sequence < later.sequence }
    return dependencies[later]?.covers(earlier) ?? false
  }

  /// The writes that no other one has seen, the visible one last.
  func siblings(_ writes: [Write]) -> [Write] {
    writes.filter { write in !writes.contains { covers($0.dot, write.dot) } }
      .sorted {
        ($0.timestamp, $0.dot.origin.tag, $0.dot.sequence)
          < ($1.timestamp, $1.dot.origin.tag, $1.dot.sequence)
      }
  }

  /// Compares every record of a store, its siblings too.
  func expectEqual(to replica: TestReplica, _ location: SourceLocation) throws {
    let trees = try replica.trees()
    var stored = 0
    for (name, entries) in trees where StoreTree.collection(ofTree: name) != nil {
      stored += entries.count
    }
    #expect(stored == records.count, sourceLocation: location)
    for (key, writes) in records {
      let bytes = trees[StoreTree.records(key.collection.text)]?[key.key.orderedBytes]
      try expect(writes, key, bytes ?? [], location)
      let seen = try replica.store.get(key.collection.text, key.key)
      #expect(seen?.values == visible(writes), sourceLocation: location)
    }
    try expectCounts(replica, location)
  }

  private func visible(_ writes: RecordWrites) -> [String: Value]? {
    guard siblings(writes.life).contains(where: { $0.value != nil }) else { return nil }
    var values: [String: Value] = [:]
    for (name, list) in writes.fields { values[name.text] = siblings(list).last?.value }
    return values
  }

  private func expect(
    _ writes: RecordWrites, _ key: Key, _ bytes: [UInt8], _ location: SourceLocation
  ) throws {
    var state = RecordState()
    try state.read(bytes.span)
    let life = siblings(writes.life)
    #expect(
      state.life.map { state.stamps[$0.stamp].sequence } == life.map(\.dot.sequence),
      sourceLocation: location)
    #expect(
      state.life.map(\.isAlive) == life.map { $0.value != nil }, sourceLocation: location)
    let names = state.fields.map { ByteText(ItemText.decode(bytes, $0.name)) }
    #expect(names == writes.fields.keys.sorted(), sourceLocation: location)
    for (name, field) in zip(names, state.fields) {
      let expected = siblings(writes.fields[name] ?? [])
      let found = try state.siblings[field.siblings].map { sibling in
        sibling.value.isEmpty ? nil : try Value(decoding: Array(bytes[sibling.value]))
      }
      #expect(found == expected.map(\.value), sourceLocation: location)
      let stamps = state.siblings[field.siblings].map { state.stamps[$0.stamp] }
      #expect(
        stamps.map(\.timestamp) == expected.map(\.timestamp)
          && stamps.map(\.tag) == expected.map(\.dot.origin.tag), sourceLocation: location)
    }
    #expect(
      zip(state.stamps, state.stamps.dropFirst()).allSatisfy { $0 < $1 },
      sourceLocation: location)
  }

  private func expectCounts(_ replica: TestReplica, _ location: SourceLocation) throws {
    var alive: [ByteText: UInt64] = [:]
    for (key, writes) in records {
      alive[key.collection, default: 0] += visible(writes) == nil ? 0 : 1
    }
    for collection in try replica.store.status().collections {
      #expect(
        collection.records == alive[ByteText(collection.name)], sourceLocation: location)
    }
    let names = alive.filter { $0.value > 0 }.keys.sorted().map(\.text)
    #expect(try replica.store.read { try $0.collections() } == names, sourceLocation: location)
  }
}
