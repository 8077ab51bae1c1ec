// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// What a store that mixed series were written to must hold, carried on from crash to crash.
public struct MixedHistory {
  private let all: [MixedSeries]
  private var progress: [Int]
  private var records: [UInt64: [UInt8]] = [:]
  /// The records there were after the last verification, and the highest number until then.
  private var identifiers: Set<RecordID> = []
  private var highest: UInt64 = 0

  /// The history of a store that was just made.
  public init(_ all: [MixedSeries]) {
    self.all = all
    progress = all.map { _ in 0 }
  }

  /// Opens the store of a writer that was stopped, checks it, and does so once more.
  ///
  /// `before` was said before the crash, `after` up to it. The first opening keeps what is in
  /// doubt; the second decides it, as `commits` says.
  public mutating func verify(
    _ path: String, before: MixedTestimony, after: MixedTestimony,
    configuration: Configuration = Configuration(), commits: () -> Bool
  ) throws {
    var configuration = configuration
    configuration.inDoubtPolicy = .keep
    let database = try Database.open(at: path, configuration: configuration)
    try advance(try database.snapshot(), before, after)
    let waiting = try database.inDoubtTransactions().map(MixedDoubt.init)
    try verify(waiting, before)
    try verify(database)
    try database.close()
    let plan = try Database.recover(at: path, configuration: configuration)
    try decide(plan, expected: waiting, commits)
    let again = try plan.finish()
    try verify(again)
    guard try again.inDoubtTransactions().isEmpty else { throw TestFailure("a decision is lost") }
    // What was in doubt may have lower numbers than what the first opening showed.
    identifiers = try allRecords(again)
    highest = max(highest, identifiers.map(\.number).max() ?? 0)
    try again.close()
  }

  /// Each series must end with the last acknowledged transaction, or the one after what was said
  /// last, which may have been under way.
  private mutating func advance(
    _ reader: Snapshot, _ before: MixedTestimony, _ after: MixedTestimony
  ) throws {
    defer { reader.close() }
    for series in all {
      let number = series.number
      let found = try series.progress(in: reader)
      let least = max(progress[number], before.committed[number] ?? 0)
      let most = max(least, after.committed[number] ?? 0) + 1
      guard (least...most).contains(found) else {
        throw TestFailure("series \(number) is at \(found) instead of \(least) to \(most)")
      }
      while progress[number] < found { step(series) }
    }
  }

  private mutating func step(_ series: MixedSeries) {
    progress[series.number] += 1
    for (slot, record) in series.contents(progress[series.number]) { records[slot] = record }
  }

  /// What is in doubt is not shown, and what was prepared is shown or in doubt.
  private func verify(_ waiting: [MixedDoubt], _ before: MixedTestimony) throws {
    for doubt in waiting where progress[doubt.series] != doubt.transaction - 1 {
      throw TestFailure("\(doubt) is in doubt, but the series at \(progress[doubt.series])")
    }
    for (series, transaction) in before.prepared where progress[series] < transaction {
      let isWaiting = waiting.contains {
        $0.series == series && $0.transaction == transaction && $0.isWanted
      }
      if !isWaiting { throw TestFailure("\(series) \(transaction) was prepared and is forgotten") }
    }
  }

  private mutating func decide(
    _ plan: RecoveryPlan, expected: [MixedDoubt], _ commits: () -> Bool
  ) throws {
    let found = plan.transactions.filter { $0.state == .inDoubt }
    guard try found.map(MixedDoubt.init) == expected else {
      throw TestFailure("a second opening finds other transactions in doubt")
    }
    for (doubt, transaction) in zip(expected, found) {
      let isCommitted = doubt.isWanted && commits()
      try plan.decide(isCommitted ? .commit : .rollback, on: transaction.number)
      if isCommitted { step(all[doubt.series]) }
    }
  }

  /// Compares everything.
  private func verify(_ database: Database) throws {
    let reader = try database.snapshot()
    for series in all {
      let found = try series.progress(in: reader)
      guard found == progress[series.number] else {
        throw TestFailure("series \(series.number) is at \(found), not \(progress[series.number])")
      }
    }
    try verifyRecords(reader)
    reader.close()
    if let fault = try database.check().faults.first { throw TestFailure("check: \(fault)") }
  }

  private func verifyRecords(_ reader: Snapshot) throws {
    let shared = try MixedSchema(reader)
    var found = 0
    let cursor = try reader.range(in: shared.slots)
    while let (slot, id) = try cursor.next() {
      guard let record = records[slot] else { throw TestFailure("slot \(slot) was emptied") }
      guard try reader.read(id) == record else { throw TestFailure("slot \(slot) is another") }
      guard try reader.values(forKey: UInt32(record.count), in: shared.lengths).contains(slot)
      else { throw TestFailure("slot \(slot) is not found by its length") }
      if !identifiers.contains(id), id.number <= highest {
        throw TestFailure("\(id) was given a second time")
      }
      found += 1
    }
    let counts = [
      UInt64(found), try reader.count(of: shared.records),
      try reader.count(of: shared.slots), try reader.count(of: shared.lengths),
    ]
    guard counts.allSatisfy({ $0 == UInt64(records.count) }) else {
      throw TestFailure("\(counts) records and entries instead of \(records.count)")
    }
  }

  private func allRecords(_ database: Database) throws -> Set<RecordID> {
    let reader = try database.snapshot()
    defer { reader.close() }
    let cursor = try reader.scan(try MixedSchema(reader).records)
    var found: Set<RecordID> = []
    while let (id, _) = try cursor.next() { found.insert(id) }
    return found
  }
}

/// A transaction of a series that is in doubt.
private struct MixedDoubt: Equatable, CustomStringConvertible {
  let series: Int
  let transaction: Int
  /// Whether its writer meant to commit it.
  let isWanted: Bool

  init(_ found: InDoubtTransaction) throws {
    let words = String(decoding: found.identifier, as: UTF8.self).split(separator: " ")
    guard words.count == 3, let series = Int(words[0]), let transaction = Int(words[1]) else {
      throw TestFailure("\(found) is in doubt and of no series")
    }
    self.series = series
    self.transaction = transaction
    isWanted = words[2] == "yes"
  }

  var description: String { "\(series) \(transaction)" }
}
