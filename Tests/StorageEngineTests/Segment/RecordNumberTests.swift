// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Numbers of records: never given to another that was committed or prepared; while the store is
/// open, never twice at all.
///
/// RECORD_STORE_NUMBER_ROUNDS is the number of steps.
struct RecordNumberTests {
  /// What was given: within one opening each number once, and over all openings none again that
  /// a transaction had which was committed, prepared or acknowledged.
  private struct Given {
    private var now: Set<RecordID> = []
    private var ever: Set<RecordID> = []

    mutating func take(_ record: RecordID) throws {
      guard now.insert(record).inserted, !ever.contains(record) else {
        throw TestFailure("\(record) was given twice")
      }
    }

    mutating func keep(_ records: [RecordID]) { ever.formUnion(records) }

    mutating func forgetOpening() { now = [] }
  }

  private enum Outcome: CaseIterable { case commit, rollback, drop, conflict, prepare, giveUp }

  @Test
  func `no number of a record that was committed or prepared is given again, and none while open`()
    throws
  {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let disk = SimulatedDisk()
    var store = try TestStore(on: disk)
    let segments = [try store.database.makeSegment("a"), try store.database.makeSegment("b")]
    let shared = try store.database.transact { try $0.insert([], into: segments[0]) }
    var given = Given()
    for round in 0..<TestEnvironment.count("RECORD_STORE_NUMBER_ROUNDS", quick: 150) {
      do {
        try transact(store.database, segments, shared, &given, &random)
      } catch {
        throw TestFailure("round \(round), RECORD_STORE_SEED=\(TestEnvironment.seed): \(error)")
      }
      switch random.below(12) {
      case 0:
        try store.reopen()
        given.forgetOpening()
      case 1:
        let cut = store.disk.crashed(
          [.loseAll, .keepAll, .torn][random.below(3)], seed: random.next())
        store.disk.stop(atMutation: store.disk.mutations)
        store = try TestStore(opening: cut, configuration: store.configuration)
        given.forgetOpening()
      case 2: try store.database.checkpoint()
      case 3: try deleteAll(store.database, segments[1])
      default: break
      }
    }
    try store.checkTwiceAndClose()
  }

  private func transact(
    _ database: Database, _ segments: [SegmentID], _ shared: RecordID, _ given: inout Given,
    _ random: inout SplitMix64
  ) throws {
    let outcome = Outcome.allCases[random.below(Outcome.allCases.count)]
    let transaction = try database.begin()
    var records: [RecordID] = []
    for _ in 0..<(1 + random.below(random.chance(1, in: 8) ? 700 : 20)) {
      records.append(try transaction.insert([1], into: segments[random.below(2)]))
      try given.take(records[records.count - 1])
    }
    if random.chance(1, in: 4) { try transaction.delete(records[records.count - 1]) }
    switch outcome {
    case .commit:
      try transaction.commit()
      given.keep(records)
    case .rollback: transaction.rollback()
    case .drop: break
    case .conflict:
      try transaction.update(shared, to: [2])
      try database.transact { try $0.update(shared, to: [3]) }
      #expect(throws: TransactionError.self) { try transaction.commit() }
    case .prepare:
      let prepared = try transaction.prepare()
      given.keep(records)
      try database.transact { _ = try $0.createTree(named: "\(records[0])") }
      try prepared.commit()
    case .giveUp:
      given.keep(records)
      try transaction.prepare().rollback()
    }
  }

  private func deleteAll(_ database: Database, _ segment: SegmentID) throws {
    try database.transact { transaction in
      for record in try transaction.records(of: segment).keys { try transaction.delete(record) }
    }
  }

  @Test(arguments: InDoubtDecision.allCases)
  func `numbers of a transaction in doubt are not given again, nor those of a segment it makes`(
    _ decision: InDoubtDecision
  ) throws {
    let store = try TestStore()
    let segment = try store.database.makeSegment()
    let transaction = try store.database.begin()
    let records = try (0..<300).map { _ in try transaction.insert([1], into: segment) }
    let made = try transaction.createSegment(named: "made")
    let inside = try transaction.insert([2], into: made)
    let prepared = try transaction.prepare()
    var configuration = store.configuration
    configuration.inDoubtPolicy = decision
    let disk = store.disk.crashed(.loseAll)
    let again = try Database.open(on: disk, configuration: configuration)
    let later = try again.transact { try $0.insert([3], into: segment) }
    #expect(later > records[299])
    if decision == .commit {
      #expect(try again.transact { try $0.insert([4], into: made) } > inside)
    } else {
      // What the transaction in doubt makes has a number that is spoken for.
      #expect(try again.makeSegment("other") > made)
    }
    try again.close()
    withExtendedLifetime(prepared) {}
  }

  @Test
  func `segments made side by side and committed in the other order keep their numbers`() throws {
    let store = try TestStore()
    let first = try store.database.begin()
    let second = try store.database.begin()
    let one = try first.createSegment(named: "one")
    let two = try second.createSegment(named: "two")
    let records = [try first.insert([1], into: one), try second.insert([2], into: two)]
    try second.commit()
    try first.commit()
    for variant in [CrashVariant.loseAll, .keepAll] {
      let disk = store.disk.crashed(variant)
      for _ in 0..<2 {
        let database = try Database.open(on: disk.reopened(), configuration: store.configuration)
        #expect(try database.read { try $0.segments().map(\.segment) } == [one, two])
        #expect(try records.map { try database.committed($0) } == [[1], [2]])
        try database.checkpoint()
        #expect(try database.check().isIntact)
        try database.close()
      }
    }
    try store.checkTwiceAndClose()
  }
}
