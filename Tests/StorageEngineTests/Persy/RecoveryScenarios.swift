// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Section 8 of the scenarios of the Rust engine Persy: transactions in doubt and their recovery.
///
/// Persy commits what it finds prepared unless told otherwise. Ours stays in doubt, because the
/// coordinator that knows the answer may come later; `Configuration.inDoubtPolicy` says otherwise.
struct RecoveryScenarios {
  /// Two records prepared by two transactions, named "1" and "2", and one that was only begun.
  private func prepareTwo(_ database: Database) throws -> (segment: SegmentID, held: [Any]) {
    let segment = try database.makeSegment()
    var held: [Any] = []
    for name in ["1", "2"] {
      let transaction = try database.begin(TransactionOptions(identifier: bytes(name)))
      _ = try transaction.insert(bytes(name), into: segment)
      held.append(try transaction.prepare())
    }
    let begun = try database.begin(TransactionOptions(identifier: bytes("begun")))
    _ = try begun.insert(bytes("begun"), into: segment)
    held.append(begun)
    return (segment, held)
  }

  /// What the process leaves that ends now.
  private func killed(_ store: TestStore) -> SimulatedDisk {
    store.disk.crashed(.keepAll)
  }

  @Test(arguments: 0..<3)
  func `Persy 60: of two prepared transactions the one that is accepted has its data`(
    _ checkpoints: Int
  ) throws {
    let store = try TestStore()
    let (segment, held) = try prepareTwo(store.database)
    for _ in 0..<checkpoints { try store.database.checkpoint() }
    var disk = killed(store)
    for run in 0..<3 {
      let plan = try Database.recover(on: disk, configuration: store.configuration)
      for found in plan.transactions {
        let isAccepted = found.identifier == bytes("2")
        try plan.decide(isAccepted ? .commit : .rollback, on: found.number)
      }
      #expect(plan.transactions.count == (run == 0 ? 2 : 0))
      let database = try plan.finish()
      #expect(Array(try database.read { try $0.records(of: segment) }.values) == [bytes("2")])
      // The next commit forgets what a recovery would show of the one that was carried out.
      _ = try database.makeSegment("run \(run)")
      #expect(try database.check().isIntact)
      disk = disk.crashed(.loseAll)
    }
    withExtendedLifetime(held) {}
  }

  @Test
  func `Persy 61: the plan lists, takes decisions and carries them out, and keeps the others`()
    throws
  {
    let store = try TestStore(adjust: { $0.clock = { 5000 } })
    let (segment, held) = try prepareTwo(store.database)
    let disk = killed(store)
    var later = store.configuration
    later.clock = { 7500 }
    let plan = try Database.recover(on: disk, configuration: later)
    try #require(plan.transactions.map(\.identifier) == [bytes("1"), bytes("2")])
    #expect(plan.transactions.allSatisfy { $0.state == .inDoubt && $0.age == 2500 })
    let numbers = plan.transactions.map(\.number)
    #expect(numbers.map { plan.decision(on: $0) } == [.keep, .keep])
    try plan.decide(.rollback, on: numbers[0])
    try plan.decide(.commit, on: numbers[0])
    #expect(plan.decision(on: numbers[0]) == .commit)
    #expect(throws: TransactionError.notInDoubt(number: 99)) { try plan.decide(.commit, on: 99) }
    let database = try plan.finish()
    #expect(throws: TransactionError.ended) { _ = try plan.finish() }
    // The one that was only begun is gone, the one that nobody decided on waits.
    #expect(Array(try database.read { try $0.records(of: segment) }.values) == [bytes("1")])
    #expect(try database.inDoubtTransactions().map(\.identifier) == [bytes("2")])
    try database.decide(.rollback, on: numbers[1])
    #expect(try database.inDoubtTransactions().isEmpty)
    #expect(throws: TransactionError.notInDoubt(number: numbers[1])) {
      try database.decide(.commit, on: numbers[1])
    }
    try database.close()
    withExtendedLifetime(held) {}
  }

  @Test(arguments: InDoubtDecision.allCases)
  func `Persy 61: the configuration decides on what is found in doubt`(
    _ policy: InDoubtDecision
  ) throws {
    let store = try TestStore()
    let (segment, held) = try prepareTwo(store.database)
    var configuration = store.configuration
    configuration.inDoubtPolicy = policy
    let database = try Database.open(on: killed(store), configuration: configuration)
    #expect(try database.inDoubtTransactions().count == (policy == .keep ? 2 : 0))
    let count = try database.read { try $0.count(of: segment) }
    #expect(count == (policy == .commit ? 2 : 0))
    try database.close()
    withExtendedLifetime(held) {}
  }

  @Test(arguments: [false, true])
  func `Persy 62: a transaction whose commit had begun is rolled back at the recovery`(
    _ rollsBack: Bool
  ) throws {
    let store = try TestStore()
    let record = try store.database.makeRecord()
    let transaction = try store.database.begin()
    try transaction.update(record, to: bytes("new"))
    let inserted = try transaction.insert(bytes("inserted"), into: record.segment)
    let created = try transaction.createSegment(named: "created")
    _ = try transaction.insert(bytes("in it"), into: created)
    try transaction.prepare().commit()
    let disk = killed(store)
    let plan = try Database.recover(on: disk, configuration: store.configuration)
    let found = try #require(plan.transactions.first)
    #expect(found.state == .committing)
    if rollsBack { try plan.decide(.rollback, on: found.number) }
    let database = try plan.finish()
    #expect(try database.committed(record) == bytes(rollsBack ? "old" : "new"))
    #expect(try database.committed(inserted) == (rollsBack ? nil : bytes("inserted")))
    #expect(try database.read { try $0.hasSegment(named: "created") } == !rollsBack)
    #expect(try database.check().isIntact)
    try database.close()
    let again = try Database.open(on: disk.reopened(), configuration: store.configuration)
    #expect(try again.committed(record) == bytes(rollsBack ? "old" : "new"))
    try again.close()
  }

  @Test
  func `Persy 68: an identifier of more than 512 bytes is refused`() throws {
    try withStore { store in
      let longest = [UInt8](repeating: 7, count: 512)
      let prepared = try store.database.begin(TransactionOptions(identifier: longest)).prepare()
      #expect(try store.database.inDoubtTransactions().map(\.identifier) == [longest])
      try prepared.rollback()
      #expect(throws: TransactionError.identifierTooLong(length: 513, limit: 512)) {
        _ = try store.database.begin(TransactionOptions(identifier: longest + [7]))
      }
    }
  }
}
