// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// Makes a store of records again of what was copied from a damaged one.
///
/// A store must never claim a transaction of which it does not have the records: its replicas would
/// differ from it for ever. So where something was lost the records are made anew, from the journal
/// if that is whole, else from what was found of them.
struct SalvagedRecords {
  private static let batchRecords = 10_000
  private static let batchBytes = 8 << 20

  /// The damaged store.
  private let path: String
  private let database: Database
  /// What was lost, with what these records lost besides.
  private(set) var report: SalvageReport
  private var environment: Environment
  /// Entries that were copied, and what was gone through of them since.
  private var done: UInt64

  init(
    of path: String, _ database: Database, _ report: SalvageReport, _ environment: Environment
  ) {
    self.path = path
    self.database = database
    self.report = report
    done = report.trees.reduce(0) { $0 + $1.entries }
    self.environment = environment
    // The old store has applied all of them, whatever this machine's clock says.
    self.environment.maximumAhead = .max
  }

  /// Returns how the records came there.
  ///
  /// `progress` is told how far it is, and may throw to stop.
  mutating func restore(
    _ progress: (UInt64) throws -> Void = { _ in }
  ) throws -> RecordSalvage.Records {
    let found = try database.snapshot()
    defer { found.close() }
    let names = try found.trees().map(\.name)
    // Others may call a tree of theirs as one of ours; none has the journal's.
    guard names.contains(where: { JournalTreeName(rawValue: $0) != nil }) else { return .none }
    if report.isComplete {
      try database.write(giveOrigin)
      return .copied
    }
    if isJournalWhole, let known = try? MetaTree.open(found).storeID() {
      do {
        try replay(found, known, progress)
        return .replayed
      } catch let error where Self.saysNotWhole(error) {
        // So those that were found count.
      }
    }
    try collect(found, progress)
    return .collected
  }

  private static func saysNotWhole(_ error: any Error) -> Bool {
    switch error {
    // The new file could not be written, which says nothing of the journal.
    case JournalError.engine: false
    default: error is NotWhole || error is JournalError || error is RecordStoreError
    }
  }

  /// Whether nothing is known to be missing in the journal.
  private var isJournalWhole: Bool {
    report.losses.allSatisfy { loss in
      guard let tree = loss.tree else { return false }
      return tree != JournalTreeName.transactions.rawValue
        && tree != JournalTreeName.origins.rawValue
    }
  }

  private func giveOrigin(in transaction: WriteTransaction) throws {
    guard let meta = try transaction.tree(named: StoreTree.meta) else {
      throw RecordStoreError.notARecordStore(path: "the copy")
    }
    let bytes = try RecordStore.random(Origin.byteCount, environment)
    try MetaTree.put(.origin, in: meta, of: transaction) { $0.write(bytes: bytes) }
  }

  /// Takes everything of the store of records out and makes an empty one.
  private mutating func begin(storeID: StoreID?) throws -> RecordStore {
    let givenUp = try database.write { transaction in
      let ours = try transaction.trees().filter { !StoreTree.isForeign($0.name) }.map(\.tree)
      let givenUp = try transaction.dropPrepared(changing: Set(ours))
      for tree in ours { try transaction.dropTree(tree) }
      try RecordStore.initialize(transaction, environment, storeID: storeID)
      return givenUp
    }
    for number in givenUp {
      let damage = Damage(
        file: path, offset: 0, structure: "transaction \(number)",
        problem: "was in doubt, and is given up: the records that it changes are made anew")
      report.losses.append(SalvageReport.Loss(tree: nil, from: nil, upTo: nil, damage: damage))
    }
    return try RecordStore.open(in: database, environment: environment)
  }

  /// Applies the journal that was found to an empty store.
  private mutating func replay(
    _ found: Snapshot, _ storeID: StoreID, _ progress: (UInt64) throws -> Void
  ) throws {
    let cursor = try Journal.open(in: found).cursor(in: found)
    let store = try begin(storeID: storeID)
    var batch: [EncodedTransaction] = []
    var bytes = 0
    while let transaction = try cursor.next() {
      batch.append(transaction)
      bytes += transaction.bytes.count
      guard bytes >= Self.batchBytes else { continue }
      _ = try store.apply(batch)
      done += UInt64(batch.count)
      try progress(done)
      batch = []
      bytes = 0
    }
    _ = try store.apply(batch)
    done += UInt64(batch.count)
    try progress(done)
    let heads = try Journal.open(in: found).heads(in: found).applied
    guard try store.appliedVector() == heads else { throw NotWhole() }
  }

  /// Writes the records that were found to an empty store, which is a data set of its own.
  private mutating func collect(
    _ found: Snapshot, _ progress: (UInt64) throws -> Void
  ) throws {
    let store = try begin(storeID: nil)
    let view = RecordSnapshot(found)
    for (name, _) in try found.trees() {
      guard let collection = StoreTree.collection(ofTree: name) else { continue }
      var records = try view.records(in: collection)
      var hasMore = true
      while hasMore {
        hasMore = try store.write { try copyBatch(of: &records, name, collection, in: $0) }
        try progress(done)
      }
    }
  }

  /// Copies some records; false behind the last.
  ///
  /// One that cannot be read is lost, and one that no transaction can write any more, because edits
  /// have made it too large.
  private mutating func copyBatch(
    of records: inout RecordIterator, _ tree: String, _ collection: String,
    in transaction: RecordTransaction
  ) throws -> Bool {
    var count = 0
    var bytes = 0
    while count < Self.batchRecords && bytes < Self.batchBytes {
      count += 1
      do {
        guard let record = try records.next() else { return false }
        done += 1
        bytes += records.current.bytes.count
        try transaction.put(collection, record.key, record.fields)
      } catch let error as RecordStoreError {
        let damage = Damage(
          file: path, offset: 0,
          structure: "record \(RecordPlace.name(collection, records.key))", problem: "\(error)")
        report.losses.append(
          SalvageReport.Loss(
            tree: tree, from: records.key, upTo: records.key + [0], damage: damage))
      }
    }
    return true
  }
}

/// Says that a journal does not reach as far as its heads.
private struct NotWhole: Error {}
