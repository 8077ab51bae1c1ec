// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport

/// Takes a store on a simulated disk through a workload and notes what it acknowledged.
///
/// Ends at the first error, which it keeps.
final class WorkloadRun {
  struct Failure {
    let step: Int
    let error: any Error
  }

  private struct Rollback: Error {}

  let workload: Workload
  private(set) var disk: SimulatedDisk
  private(set) var database: Database?
  private(set) var transcript = Transcript()
  private(set) var failure: Failure?
  let scheduler = ManualScheduler()
  private var snapshot: (view: Snapshot, present: [Int])?

  init(_ workload: Workload, on disk: SimulatedDisk) {
    self.workload = workload
    self.disk = disk
  }

  /// Creates the store and takes all steps.
  func run() {
    var step = -1
    do {
      let configuration = workload.configuration(scheduler: scheduler)
      let database = try Database.create(on: disk, configuration: configuration)
      self.database = database
      transcript.createdAt = disk.mutations
      try commit([.createTree("main"), .createTree(Marks.tree)], .synced, step: -1)
      for index in workload.steps.indices {
        step = index
        try take(workload.steps[index], index)
      }
      snapshot = nil
    } catch {
      failure = Failure(step: step, error: error)
      snapshot = nil
    }
  }

  /// Makes one more transaction after the end, or after a failure.
  func commit(_ changes: [Change]) throws {
    try commit(changes, .synced, step: workload.steps.count)
  }

  /// Gives up the database without closing it in good order.
  func abandon() {
    disk.stop(atMutation: disk.mutations)
    database = nil
    scheduler.dropAll()
  }

  private func openDatabase() throws -> Database {
    guard let database else { throw TestFailure("the database is not open") }
    return database
  }

  private func take(_ step: Step, _ index: Int) throws {
    switch step {
    case .commit(let changes, let durability): try commit(changes, durability, step: index)
    case .concurrent(let transactions): try commitConcurrently(transactions, step: index)
    case .abort(let changes): try abort(changes)
    case .flush:
      try openDatabase().flush()
      noteDurable()
    case .checkpoint:
      try openDatabase().checkpoint()
      noteDurable()
    case .compact:
      _ = try openDatabase().compact()
      noteDurable()
    case .runScheduled: scheduler.runAll()
    case .snapshot: try takeSnapshot()
    case .keep(let name): try keep(name)
    case .giveUp(let name): try giveUp(name)
    case .reopen: try reopen()
    }
  }

  private func reopen() throws {
    snapshot = nil
    try openDatabase().close()
    noteDurable()
    scheduler.dropAll()
    database = nil
    disk = disk.reopened()
    database = try Database.open(
      on: disk, configuration: workload.configuration(scheduler: scheduler))
  }

  private func takeSnapshot() throws {
    if let (view, present) = snapshot {
      try TranscriptVerifier(transcript).verify(view, holds: present)
    }
    let view = try openDatabase().snapshot()
    snapshot = (view, try Marks.present(in: view))
  }

  private func keep(_ name: String) throws {
    let index = transcript.snapshots.count
    transcript.snapshots.append(
      Transcript.Snapshot(
        name: name, present: Array(transcript.transactions.indices), began: disk.mutations))
    let database = try openDatabase()
    _ = try Self.unwrapping { () throws(NamedSnapshotError) in
      try database.createSnapshot(named: name)
    }
    transcript.snapshots[index].madeAt = disk.mutations
    noteDurable()
  }

  private func giveUp(_ name: String) throws {
    guard
      let index = transcript.snapshots.lastIndex(where: { $0.name == name })
    else { throw TestFailure("no snapshot \(name) was made") }
    transcript.snapshots[index].dropBegan = disk.mutations
    let database = try openDatabase()
    try Self.unwrapping { () throws(NamedSnapshotError) in try database.dropSnapshot(named: name) }
    transcript.snapshots[index].droppedAt = disk.mutations
    noteDurable()
  }

  /// Hands errors of the engine on as what they are.
  private static func unwrapping<R>(_ body: () throws(NamedSnapshotError) -> R) throws -> R {
    do {
      return try body()
    } catch {
      guard case .engine(let error) = error else { throw error }
      throw error
    }
  }

  private func commit(_ changes: [Change], _ durability: Durability, step: Int) throws {
    let index = transcript.transactions.count
    let marked = changes + [Marks.mark(index)]
    transcript.transactions.append(
      Transcript.Transaction(changes: marked, step: step, began: disk.mutations))
    try write(marked, durability)
    transcript.transactions[index].isAcknowledged = true
    if durability == .synced { noteDurable() }
  }

  private func write(_ changes: [Change], _ durability: Durability) throws {
    try openDatabase().write(durability: durability) { transaction in
      for change in changes { try change.apply(to: transaction) }
    }
  }

  private func abort(_ changes: [Change]) throws {
    do {
      try openDatabase().write { transaction in
        for change in changes { try change.apply(to: transaction) }
        throw Rollback()
      }
    } catch is Rollback {}
  }

  /// Every acknowledged transaction is durable now.
  private func noteDurable() {
    for index in transcript.transactions.indices
    where transcript.transactions[index].isAcknowledged {
      transcript.transactions[index].durableAt =
        transcript.transactions[index].durableAt ?? disk.mutations
    }
  }

  private func commitConcurrently(_ transactions: [[Change]], step: Int) throws {
    let first = transcript.transactions.count
    let began = disk.mutations
    let marked = transactions.enumerated().map { $0.element + [Marks.mark(first + $0.offset)] }
    transcript.transactions += marked.map {
      Transcript.Transaction(changes: $0, step: step, began: began)
    }
    let database = try openDatabase()
    let disk = disk
    let done = SharedList<(index: Int, mutations: Int)>()
    defer {
      for (index, mutations) in done.elements {
        transcript.transactions[first + index].isAcknowledged = true
        transcript.transactions[first + index].durableAt = mutations
      }
    }
    try runThreads(marked.count) { index in
      try database.write { transaction in
        for change in marked[index] { try change.apply(to: transaction) }
      }
      done.append((index, disk.mutations))
    }
  }
}
