// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport

/// A script of transactions that are prepared and decided, with what was known when, in the disk's
/// count of calls that change something.
final class TwoPhaseRun {
  /// A transaction's way.
  struct Event {
    let began: Int
    var prepared = Int.max
    var deciding = Int.max
    var decided = Int.max
    let commits: Bool
  }

  /// Where a transaction stands in a store.
  enum State: Hashable { case absent, inDoubt, committed }

  static let transactions = 8
  let disk = SimulatedDisk(recordsHistory: true)
  let configuration: Configuration
  /// Calls until everything that the transactions change was there.
  private(set) var ready = 0
  private(set) var events: [Event] = []
  private var records: [RecordID] = []

  /// Runs the script to its end.
  init() throws {
    let store = try TestStore(on: disk)
    configuration = store.configuration
    let database = store.database
    let segment = try database.makeSegment()
    records = try database.transact { transaction in
      try (0..<2 * Self.transactions).map { _ in try transaction.insert([0], into: segment) }
    }
    ready = disk.mutations
    // Two at a time, so that one is decided while another is in doubt.
    for first in stride(from: 0, to: Self.transactions, by: 2) {
      let prepared = [try prepare(first, database), try prepare(first + 1, database)]
      if first % 4 == 2 { try database.checkpoint() }
      try decide(first, prepared[0])
      _ = try database.transact { try $0.insert([1], into: segment) }
      try decide(first + 1, prepared[1])
      if first % 4 == 0 { try database.checkpoint() }
    }
    disk.stop(atMutation: disk.mutations)
  }

  private func prepare(_ index: Int, _ database: Database) throws -> PreparedTransaction {
    events.append(Event(began: disk.mutations, commits: index % 3 != 1))
    let transaction = try database.begin(TransactionOptions(identifier: [UInt8(index)]))
    let (new, made) = Self.contents(index)
    for record in records(of: index) { try transaction.update(record, to: new) }
    let segment = try transaction.createSegment(named: "made \(index)")
    _ = try transaction.insert(made, into: segment)
    let prepared = try transaction.prepare()
    events[index].prepared = disk.mutations
    return prepared
  }

  private func decide(_ index: Int, _ prepared: PreparedTransaction) throws {
    events[index].deciding = disk.mutations
    if events[index].commits { try prepared.commit() } else { try prepared.rollback() }
    events[index].decided = disk.mutations
  }

  private func records(of index: Int) -> [RecordID] { Array(records[2 * index...2 * index + 1]) }

  /// What a transaction updates two records to, and the one it inserts.
  private static func contents(_ index: Int) -> (new: [UInt8], made: [UInt8]) {
    var random = SplitMix64(seed: UInt64(index))
    let isLarge = index % 3 == 0
    return (random.bytes(isLarge ? 5000 : 20), random.bytes(isLarge ? 80_000 : 20))
  }

  /// The states in which a power cut in call number `call` may leave a transaction.
  func allowed(_ index: Int, cutAt call: Int) -> Set<State> {
    let event = events[index]
    let outcome: State = event.commits ? .committed : .absent
    if event.decided <= call { return [outcome] }
    if event.deciding <= call { return [.inDoubt, outcome] }
    if event.prepared <= call { return [.inDoubt] }
    return event.began <= call ? [.absent, .inDoubt] : [.absent]
  }

  /// Finds the state of each transaction, and checks that none has left a part of its changes.
  func states(of database: Database) throws -> [State] {
    let inDoubt = Set(try database.inDoubtTransactions().map(\.identifier))
    return try database.read { view in
      try events.indices.map { index in
        let (new, made) = Self.contents(index)
        let found = try records(of: index).map { try view.read($0) }
        let segment = try view.segment(named: "made \(index)")
        let isHeld = inDoubt.contains([UInt8(index)])
        if found == [[0], [0]], segment == nil { return isHeld ? .inDoubt : .absent }
        guard found == [new, new], let segment, !isHeld,
          Array(try view.records(of: segment).values) == [made]
        else { throw TestFailure("transaction \(index) is there in part") }
        return .committed
      }
    }
  }
}
