// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine
import TestSupport

/// A journal in a database on a simulated disk.
final class JournalStore {
  private let store: TestStore
  let journal: Journal
  var database: Database { store.database }

  init() throws {
    store = try TestStore()
    journal = try store.database.write { try Journal.create(in: $0) }
  }

  func update<Result>(_ body: (inout JournalUpdate) throws -> Result) throws -> Result {
    let journal = journal
    return try database.write { try journal.update(in: $0, body) }
  }

  /// Appends a transaction with one operation.
  @discardableResult
  func append(
    _ note: String, origin: Origin, now: UInt64 = 1_700_000_000_000
  ) throws -> EncodedTransaction {
    let operation = Samples.patch("items", .text(note), ("note", .text(note)))
    let parts = try EncodedParts(CollectionPart.parts(of: [operation]))
    return try update { try $0.append(parts, at: $0.nextPlace(of: origin, now: now)) }
  }

  @discardableResult
  func admit(
    _ transaction: EncodedTransaction, now: UInt64 = 1_700_000_000_000
  ) throws -> Admission {
    try update { try $0.admit(transaction, AdmissionPolicy(now: now)) }
  }

  /// Everything applied that `since` does not include, in the order of the cursor.
  func transactions(since: VersionVector = VersionVector()) throws -> [EncodedTransaction] {
    let cursor = try journal.cursor(since: since, in: database.snapshot())
    var transactions: [EncodedTransaction] = []
    while let next = try cursor.next() { transactions.append(next) }
    return transactions
  }

  func applied() throws -> VersionVector {
    try journal.appliedVector(in: database.snapshot())
  }

  func held(now: UInt64 = 1_700_000_000_000) throws -> [HeldTransaction] {
    var held: [HeldTransaction] = []
    try journal.forEachHeld(in: database.snapshot(), AdmissionPolicy(now: now)) { held.append($0) }
    return held
  }

  /// Checks journal and pages, before and after the store is closed and opened again; every test
  /// that does not damage its store ends with it.
  func verify() throws {
    let before = try transactions()
    for _ in 0..<2 {
      try verifyJournal()
      try store.check()
      try store.reopen()
    }
    guard try transactions() == before else {
      throw TestFailure("reopening has changed the journal")
    }
  }

  /// Checks the journal alone.
  func verifyJournal() throws {
    try journal.verify(in: database.snapshot())
  }
}
