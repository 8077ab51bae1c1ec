// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Foundation
import StorageEngine

/// A store in a directory of its own, which is removed with it.
final class TemporaryStore {
  private let directory: URL
  let database: Database
  let journal: Journal

  init() throws {
    directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("journal-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    database = try Database.create(at: directory.appendingPathComponent("store").path)
    journal = try database.write { try Journal.create(in: $0) }
  }

  deinit {
    try? database.close()
    try? FileManager.default.removeItem(at: directory)
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
    return try update { try $0.append(parts, origin: origin, now: now) }
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

  /// Checks the whole journal; to be called at the end of every test.
  func verify() throws {
    try journal.verify(in: database.snapshot())
  }
}
