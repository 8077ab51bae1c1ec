// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// What the store in Fixtures/format/v1/layers.txt was made to hold: segments, indexes of each
/// mode, a named snapshot, transactions in doubt, and a log with a transaction that outgrew its
/// memory.
enum GoldenLayers {
  static let path = "Fixtures/format/v1/layers.txt"
  static let records = (0..<20).map { [UInt8](repeating: UInt8($0), count: $0 * 40) }
  static let preparedAt: UInt64 = 1_700_000_000_000

  static func configure(_ configuration: inout Configuration) {
    configuration.logSalt = 1
    configuration.identity = (0..<16).map { UInt8(0xB0 + $0) }
    configuration.transactionMemoryBytes = 16 << 10
    configuration.clock = { preparedAt }
  }

  /// Makes the store; it is left as a crash would leave it.
  static func make(_ database: Database) throws {
    try database.write { transaction in
      let people = try transaction.createSegment(named: "people")
      let words = try transaction.createIndex(
        named: "words", keys: String.self, values: RecordID.self, mode: .cluster)
      let numbers = try transaction.createIndex(
        named: "numbers", keys: IndexTuple<Int32, Bool>.self, values: Double.self, mode: .replace)
      _ = try transaction.createIndex(
        named: "codes", keys: UUIDElement.self, values: [UInt8].self, mode: .exclusive)
      for (position, record) in records.enumerated() {
        let id = try transaction.insert(record, into: people)
        try transaction.put(id, forKey: position % 3 == 0 ? "fizz" : "buzz", in: words)
        let key = IndexTuple(Int32(position) - 10, position % 2 == 0)
        try transaction.put(Double(position) / -3, forKey: key, in: numbers)
      }
    }
    try database.createSnapshot(named: "before")
    try delete(1...5, database)
    try database.checkpoint()
    try prepare("waits", [9], database)
    try outgrow(database)
  }

  private static func delete(_ numbers: ClosedRange<UInt64>, _ database: Database) throws {
    try database.write { transaction in
      let people = try #require(try transaction.segment(named: "people"))
      for number in numbers {
        try transaction.delete(RecordID(segment: people, number: number))
      }
    }
  }

  private static func prepare(
    _ identifier: String, _ record: [UInt8], _ database: Database
  ) throws {
    let transaction = try database.begin(
      TransactionOptions(strategy: .serializable, identifier: Array(identifier.utf8)))
    let people = try #require(try transaction.segment(named: "people"))
    #expect(try transaction.count(of: people) == UInt64(records.count - 5))
    try transaction.update(RecordID(segment: people, number: 10), to: record)
    try transaction.prepare().leaveInDoubt()
  }

  private static func outgrow(_ database: Database) throws {
    try database.write { transaction in
      let tree = try transaction.createTree(named: "large")
      for number in 0..<100 {
        try transaction.put(
          [UInt8](repeating: UInt8(number), count: 400), forKey: [UInt8(number)], in: tree)
      }
    }
  }

  /// Compares a store with what was made.
  static func verify(_ database: Database) throws {
    let view = try database.snapshot()
    let people = try #require(try view.segment(named: "people"))
    for (position, record) in records.enumerated() {
      let id = RecordID(segment: people, number: UInt64(position + 1))
      #expect(try view.read(id) == (position < 5 ? nil : record))
    }
    let words = try #require(
      try view.index(named: "words", keys: String.self, values: RecordID.self))
    #expect(try view.values(forKey: "fizz", in: words).map(\.number) == [1, 4, 7, 10, 13, 16, 19])
    let numbers = try #require(
      try view.index(named: "numbers", keys: IndexTuple<Int32, Bool>.self, values: Double.self))
    #expect(try view.first(forKey: IndexTuple(Int32(-10), true), in: numbers) == 0)
    #expect(try view.first(forKey: IndexTuple(Int32(9), false), in: numbers) == 19 / -3)
    #expect(try view.indexes().map(\.mode) == [.exclusive, .replace, .cluster])
    let large = try #require(try view.tree(named: "large"))
    #expect(try view.count(of: large) == 100)
    #expect(try view.value(forKey: [77], in: large) == [UInt8](repeating: 77, count: 400))
    let before = try database.snapshot(named: "before")
    #expect(try before.count(of: people) == UInt64(records.count))
  }
}

/// A store with all that is built on trees, written when the format of these was fixed.
///
/// It is never written again.
struct GoldenLayersTests {
  private static func open(_ policy: InDoubtDecision) throws -> TestStore {
    var configuration = Configuration.testing(scheduler: ManualScheduler())
    GoldenLayers.configure(&configuration)
    configuration.inDoubtPolicy = policy
    let bytes = try SectorText.decode(SourceTree.text(GoldenLayers.path))
    return try TestStore(opening: SimulatedDisk(DiskImage(bytes)), configuration: configuration)
  }

  @Test
  func `all that is built on trees is read as when it was written`() throws {
    let store = try Self.open(.keep)
    try GoldenLayers.verify(store.database)
    try store.checkTwiceAndClose()
  }

  @Test(arguments: InDoubtDecision.allCases)
  func `a transaction in doubt of version 1 is decided as asked`(policy: InDoubtDecision) throws {
    let store = try Self.open(policy)
    let view = try store.database.snapshot()
    let people = try #require(try view.segment(named: "people"))
    let record = try view.read(RecordID(segment: people, number: 10))
    #expect(record == (policy == .commit ? [9] : GoldenLayers.records[9]))
    let waiting = try store.database.inDoubtTransactions()
    #expect(waiting.map(\.identifier) == (policy == .keep ? [Array("waits".utf8)] : []))
    #expect(waiting.allSatisfy { $0.preparedAt == GoldenLayers.preparedAt })
    view.close()
    try store.checkTwiceAndClose()
  }

  @Test
  func `what is made today is read like what was made then`() throws {
    try withStore(adjust: GoldenLayers.configure) { store in
      try GoldenLayers.make(store.database)
      try GoldenLayers.verify(store.database)
    }
  }
}
