// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import StorageEngine

/// What a recovery can decide on what it finds.
struct RecoveryPlanTests {
  /// A store that ended after one transaction was prepared, or its commit had begun.
  private struct Found {
    let store: TestStore
    let disk: SimulatedDisk
    let record: RecordID

    init(
      isCommitted: Bool, participant: (any CommitParticipant)? = nil,
      _ body: (Transaction, RecordID) throws -> Void = { try $0.update($1, to: bytes("new")) }
    ) throws {
      store = try TestStore()
      record = try store.database.makeRecord()
      store.database.setCommitParticipant(participant)
      let transaction = try store.database.begin(TransactionOptions(identifier: bytes("name")))
      try body(transaction, record)
      let prepared = try transaction.prepare()
      if isCommitted { try prepared.commit() }
      disk = store.disk.crashed(.keepAll)
    }

    func plan() throws -> RecoveryPlan {
      try Database.recover(on: disk.reopened(), configuration: store.configuration)
    }
  }

  private struct Joining: CommitParticipant {
    func prepareCommit(_ transaction: WriteTransaction) throws {}
  }

  private struct Refusing: CommitParticipant {
    func prepareCommit(_ transaction: WriteTransaction) throws { throw TestFailure("refused") }
  }

  /// Refuses every commit but the first.
  private final class RefusingLater: CommitParticipant {
    private let count = Atomic<Int>(0)

    func prepareCommit(_ transaction: WriteTransaction) throws {
      if count.add(1, ordering: .relaxed).oldValue > 0 { throw TestFailure("refused") }
    }
  }

  @Test
  func `a plan of a store that may only be read shows all, and decides nothing`() throws {
    let found = try Found(isCommitted: false)
    let before = found.disk.image
    var configuration = found.store.configuration
    configuration.isReadOnly = true
    let plan = try Database.recover(on: found.disk.reopened(), configuration: configuration)
    let transaction = try #require(plan.transactions.first)
    try plan.decide(.commit, on: transaction.number)
    #expect(throws: TransactionError.engine(.readOnly)) { _ = try plan.finish() }
    plan.cancel()
    #expect(
      found.disk.image.bytes(Int(before.length), at: 0) == before.bytes(Int(before.length), at: 0))
    try found.store.database.close()
  }

  @Test(arguments: InDoubtDecision.allCases)
  func `one in doubt is committed, rolled back or kept`(_ decision: InDoubtDecision) throws {
    let found = try Found(isCommitted: false)
    let plan = try found.plan()
    let transaction = try #require(plan.transactions.first)
    #expect(transaction.state == .inDoubt && transaction.identifier == bytes("name"))
    try plan.decide(decision, on: transaction.number)
    let database = try plan.finish()
    #expect(try database.committed(found.record) == bytes(decision == .commit ? "new" : "old"))
    #expect(try database.inDoubtTransactions().count == (decision == .keep ? 1 : 0))
    #expect(try database.check().isIntact)
    try database.close()
  }

  @Test
  func `a plan that found no room goes on where it stopped`() throws {
    let store = try TestStore()
    let first = try store.database.makeRecord()
    let second = try store.database.transact {
      try $0.insert(bytes("old"), into: try #require(try $0.segment(named: "records")))
    }
    let records = [first, second]
    let large = [UInt8](repeating: 7, count: 3 << 20)
    var prepared: [PreparedTransaction] = []
    for (record, value) in zip(records, [large, bytes("small")]) {
      let transaction = try store.database.begin()
      try transaction.update(record, to: value)
      prepared.append(try transaction.prepare())
    }
    // Takes what the large value left free when it was copied.
    try store.commit([.createTree("filler"), Workload.put("filler", "k", large)])
    let disk = store.disk.crashed(.keepAll)
    disk.setCapacity(disk.image.length + 1 << 20)
    let plan = try Database.recover(on: disk, configuration: store.configuration)
    for transaction in plan.transactions { try plan.decide(.commit, on: transaction.number) }
    #expect(throws: TransactionError.engine(.outOfSpace)) { _ = try plan.finish() }
    let done = try #require(plan.transactions.last).number
    #expect(throws: TransactionError.notInDoubt(number: done)) {
      try plan.decide(.rollback, on: done)
    }
    disk.setCapacity(1 << 40)
    let database = try plan.finish()
    #expect(try database.committed(records[0]) == large)
    #expect(try database.committed(records[1]) == bytes("small"))
    #expect(try database.inDoubtTransactions().isEmpty)
    #expect(try database.check().isIntact)
    try database.close()
    withExtendedLifetime(prepared) {}
  }

  @Test(arguments: InDoubtDecision.allCases)
  func `one whose commit had begun is completed or rolled back, and cannot be kept`(
    _ decision: InDoubtDecision
  ) throws {
    let found = try Found(isCommitted: true)
    let plan = try found.plan()
    let transaction = try #require(plan.transactions.first)
    #expect(transaction.state == .committing)
    #expect(plan.decision(on: transaction.number) == .commit)
    if decision == .keep {
      let refusal = TransactionError.cannotRollBack(
        number: transaction.number, reason: "its commit had begun")
      #expect(throws: refusal) { try plan.decide(.keep, on: transaction.number) }
    } else {
      try plan.decide(decision, on: transaction.number)
    }
    let database = try plan.finish()
    let isUndone = decision == .rollback
    #expect(try database.committed(found.record) == bytes(isUndone ? "old" : "new"))
    #expect(try database.inDoubtTransactions().isEmpty)
    try database.close()
  }

  @Test
  func `what was committed before a closing in order can not be undone`() throws {
    let store = try TestStore()
    let record = try store.database.makeRecord()
    let transaction = try store.database.begin(TransactionOptions(identifier: bytes("name")))
    try transaction.update(record, to: bytes("new"))
    try transaction.prepare().commit()
    try store.database.close()
    let plan = try Database.recover(on: store.disk.reopened(), configuration: store.configuration)
    #expect(plan.transactions.isEmpty)
    let database = try plan.finish()
    #expect(try database.check().isIntact)
    try database.close()
  }

  @Test(arguments: [true, false])
  func `a recovery decides once: what it committed can not be undone by the next`(
    throughPlan: Bool
  ) throws {
    let found = try Found(isCommitted: true)
    let first =
      throughPlan
      ? try found.plan().finish()
      : try Database.open(on: found.disk.reopened(), configuration: found.store.configuration)
    try first.close()
    let plan = try found.plan()
    #expect(plan.transactions.isEmpty)
    try plan.finish().close()
  }

  @Test
  func `a plan that is cancelled or dropped decides nothing`() throws {
    for isCommitted in [false, true] {
      let found = try Found(isCommitted: isCommitted)
      for cancels in [true, false] {
        let plan = try found.plan()
        try plan.decide(.rollback, on: try #require(plan.transactions.first).number)
        if cancels { plan.cancel() }
      }
      let plan = try found.plan()
      #expect(plan.transactions.count == 1)
      plan.cancel()
      #expect(throws: TransactionError.ended) { _ = try plan.finish() }
    }
  }

  @Test
  func `a decision that cannot be carried out names the transaction`() throws {
    let found = try Found(isCommitted: false)
    let (database, works) = try Database.openUndecided(
      on: found.disk.reopened(), configuration: found.store.configuration)
    database.setCommitParticipant(Refusing())
    let plan = RecoveryPlan(database, works, policy: .commit)
    let number = try #require(plan.transactions.first).number
    let refusal = TransactionError.engine(.undecidable(number: number, reason: "refused"))
    #expect(throws: refusal) { _ = try plan.finish() }
    #expect(try database.inDoubtTransactions().map(\.number) == [number])
    database.setCommitParticipant(nil)
    #expect(try plan.finish().committed(found.record) == bytes("new"))
    try database.close()
  }

  @Test
  func `a commit that is to be rolled back can be after other decisions and another crash`() throws
  {
    let store = try TestStore()
    let first = try store.database.makeRecord()
    let second = try store.database.transact {
      try $0.insert(bytes("old"), into: try #require(try $0.segment(named: "records")))
    }
    let prepared = try [first, second].map { record in
      let transaction = try store.database.begin()
      try transaction.update(record, to: bytes("new"))
      return try transaction.prepare()
    }
    try prepared[0].commit()
    let disk = store.disk.crashed(.keepAll)
    let (database, works) = try Database.openUndecided(
      on: disk, configuration: store.configuration)
    let plan = RecoveryPlan(database, works, policy: .commit)
    let committing = try #require(plan.transactions.first { $0.state == .committing })
    try plan.decide(.rollback, on: committing.number)
    database.setCommitParticipant(RefusingLater())
    #expect(throws: TransactionError.self) { _ = try plan.finish() }
    let again = try Database.recover(
      on: disk.crashed(.keepAll), configuration: store.configuration)
    try again.decide(.rollback, on: committing.number)
    let decided = try again.finish()
    #expect(try decided.committed(first) == bytes("old"))
    #expect(try decided.committed(second) == bytes("new"))
    #expect(try decided.check().isIntact)
    try decided.close()
    plan.cancel()
    withExtendedLifetime(prepared) {}
  }

  private func expectRefusal(_ found: Found, _ reason: String) throws {
    let plan = try found.plan()
    let number = try #require(plan.transactions.first).number
    #expect(throws: TransactionError.cannotRollBack(number: number, reason: reason)) {
      try plan.decide(.rollback, on: number)
    }
    try plan.finish().close()
  }

  @Test
  func `a commit that a layer above has joined is not undone`() throws {
    try expectRefusal(try Found(isCommitted: true, participant: Joining()), "it is journaled")
  }

  @Test
  func `a commit that dropped a segment is not undone`() throws {
    let found = try Found(isCommitted: true) { try $0.dropSegment($1.segment) }
    try expectRefusal(found, "it dropped trees or replaced large values")
  }

  @Test
  func `a commit that replaced a very large record is not undone`() throws {
    let found = try Found(isCommitted: false)
    let disk = found.disk.reopened()
    var plan = try Database.recover(on: disk, configuration: found.store.configuration)
    try plan.decide(.rollback, on: try #require(plan.transactions.first).number)
    let database = try plan.finish()
    let large = [UInt8](repeating: 7, count: 1 << 20 + 1)
    try database.transact { try $0.update(found.record, to: large) }
    let transaction = try database.begin()
    try transaction.update(found.record, to: bytes("small"))
    try transaction.prepare().commit()
    plan = try Database.recover(
      on: disk.crashed(.keepAll), configuration: found.store.configuration)
    try database.close()
    let number = try #require(plan.transactions.first).number
    #expect(throws: TransactionError.self) { try plan.decide(.rollback, on: number) }
    #expect(try plan.finish().committed(found.record) == bytes("small"))
  }

  /// The next commit forgets what could be undone, so a plan does not meet this; the check is there
  /// for a recovery that finds more than one.
  @Test
  func `a commit whose changes were overwritten, or whose segment is gone, is not undone`() throws {
    for drops in [false, true] {
      let found = try Found(isCommitted: true)
      let (database, works) = try Database.openUndecided(
        on: found.disk.reopened(), configuration: found.store.configuration)
      #expect(try database.obstacle(toUndoing: try #require(works.first)) == nil)
      try database.transact { transaction in
        if drops {
          try transaction.dropSegment(found.record.segment)
        } else {
          try transaction.update(found.record, to: bytes("later"))
        }
      }
      let reason = drops ? "a tree it changed was dropped" : "what it wrote was overwritten"
      #expect(try database.obstacle(toUndoing: try #require(works.first)) == reason)
      try database.close()
    }
  }

  @Test
  func `the next commit forgets a transaction that was decided`() throws {
    let found = try Found(isCommitted: true)
    let database = try found.plan().finish()
    _ = try database.makeSegment("next")
    #expect(
      try database.read { try $0.trees().map(\.name) }.allSatisfy { !$0.hasPrefix("engine/") })
    try database.close()
    #expect(try found.plan().transactions.isEmpty)
  }

  @Test
  func `everything that a transaction can change is committed and undone by a recovery`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let large = random.bytes(200_000)
    for undoes in [false, true] {
      var before: Contents?
      let found = try Found(isCommitted: true) { transaction, record in
        before = try Contents(transaction.database)
        try transaction.update(record, to: large)
        _ = try transaction.insert(random.bytes(70_000), into: record.segment)
        let index = try transaction.createIndex(
          named: "index", keys: String.self, values: RecordID.self, mode: .exclusive)
        try transaction.put(record, forKey: "key", in: index)
        let segment = try transaction.createSegment(named: "made")
        try transaction.delete(try transaction.insert([1], into: segment))
        let tree = try transaction.createTree(named: "tree")
        try transaction.put([], forKey: [1], in: tree)
      }
      let after = try Contents(found.store.database)
      let plan = try found.plan()
      if undoes { try plan.decide(.rollback, on: try #require(plan.transactions.first).number) }
      let database = try plan.finish()
      _ = try database.write { try $0.createTree(named: "end") }
      var expected = try #require(undoes ? before : after).trees
      expected["end"] = [:]
      for name in expected.keys where name.hasPrefix("engine/") { expected[name] = nil }
      var present = try Contents(database).trees
      // The bound of the numbers given stays: none is given again.
      if undoes {
        present["segment/records"]?[[0]] = nil
        expected["segment/records"]?[[0]] = nil
      }
      #expect(present == expected)
      #expect(try database.check().isIntact)
      try database.close()
    }
  }
}
