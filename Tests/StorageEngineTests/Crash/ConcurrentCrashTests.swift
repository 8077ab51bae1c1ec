// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import Synchronization
import TestSupport
import Testing

/// Power cuts and failures while many threads commit and checkpoints run beside them.
///
/// RECORD_STORE_THREAD_CUTS is the number of power cuts.
struct ConcurrentCrashTests {
  private static let threads = 8
  private static let seed = TestEnvironment.seed

  /// When a thread knew what: calls that the disk had seen.
  private struct Event: Sendable {
    let series: Int
    let transaction: Int
    let began: Int
    let acknowledged: Int
  }

  @Test
  func `a power cut among many threads keeps what each was promised`() throws {
    let disk = SimulatedDisk(recordsHistory: true)
    let events = SharedList<Event>()
    let store = try TestStore(on: disk) { $0.checkpointBytes = 64 << 10 }
    try store.commit([.createTree(ScriptedSeries.tree)])
    let first = disk.mutations
    try write(store, rounds: 60) { events.append($0) }
    let end = disk.mutations
    try store.checkTwiceAndClose()

    var random = SplitMix64(seed: Self.seed)
    for _ in 0..<TestEnvironment.count("RECORD_STORE_THREAD_CUTS", quick: 250) {
      let call = first + random.below(end - first)
      let variants = disk.variants(atMutation: call)
      let point = CrashPoint(
        call: call, variant: variants[random.below(variants.count)], seed: random.next() >> 32)
      let cut = disk.crashed(atMutation: point.call, point.variant, seed: point.seed)
      do {
        try verify(cut, events.elements, call)
      } catch {
        Issue.record("\(point): \(error) (RECORD_STORE_SEED=\(Self.seed), threads)")
      }
    }
  }

  /// Lets all threads commit while another runs checkpoints; ends a thread at its first error.
  private func write(
    _ store: TestStore, rounds: Int, _ note: @escaping @Sendable (Event) -> Void
  ) throws {
    let database = store.database
    let disk = store.disk
    let scheduler = store.scheduler
    let left = Atomic<Int>(Self.threads)
    try runThreads(Self.threads + 1) { thread in
      guard thread < Self.threads else {
        while left.load(ordering: .sequentiallyConsistent) > 0 {
          if scheduler.runAll() == 0 { usleep(200) }
        }
        return
      }
      defer { left.subtract(1, ordering: .sequentiallyConsistent) }
      let series = ScriptedSeries(thread, seed: Self.seed)
      for number in 1...rounds {
        let began = disk.mutations
        try database.write { transaction in
          for change in series.changes(number) { try change.apply(to: transaction) }
        }
        note(
          Event(
            series: thread, transaction: number, began: began, acknowledged: disk.mutations))
      }
    }
  }

  private func verify(_ cut: SimulatedDisk, _ events: [Event], _ call: Int) throws {
    let store = try TestStore(opening: cut)
    let reader = try store.database.snapshot()
    var model = Model()
    model.apply(.createTree(ScriptedSeries.tree))
    for number in 0..<Self.threads {
      let series = ScriptedSeries(number, seed: Self.seed)
      let own = events.filter { $0.series == number }
      let promised = own.filter { $0.acknowledged <= call }.map(\.transaction).max() ?? 0
      let begun = own.filter { $0.began <= call }.map(\.transaction).max() ?? 0
      let found = try series.progress(in: reader)
      guard (promised...max(promised, begun)).contains(found) else {
        throw TestFailure(
          "series \(number) is at \(found); promised \(promised), begun \(begun)")
      }
      for transaction in stride(from: 1, through: found, by: 1) {
        model.apply(series.changes(transaction))
      }
    }
    try model.verify(reader)
    try store.check()
    cut.stop(atMutation: cut.mutations)
    Tally.countCrashImage()
  }

  @Test(arguments: [StorageError.Operation.write, .flush], [0, 3, 17, 40])
  func `when the disk fails under many threads, none is promised what is lost`(
    _ operation: StorageError.Operation, _ delay: Int
  ) throws {
    let disk = SimulatedDisk()
    let acknowledged = SharedList<Event>()
    let store = try TestStore(on: disk) { $0.checkpointBytes = 64 << 10 }
    try store.commit([.createTree(ScriptedSeries.tree)])
    disk.inject(
      Fault(call: disk.calls + delay, kind: .system(errno: EIO), applied: .part, lasts: true))
    do {
      try write(store, rounds: 1000) { acknowledged.append($0) }
      Issue.record("the failure was not noticed")
    } catch let error as EngineError {
      switch error {
      case .poisoned, .storage: break
      default: Issue.record("\(error)")
      }
    }
    #expect(throws: EngineError.self) { try store.commit([.createTree("more")]) }
    disk.inject(nil)
    #expect(throws: EngineError.self) { try store.commit([.createTree("more")]) }
    for variant in [CrashVariant.loseAll, .keepAll, .randomSubset] {
      try verify(disk.crashed(variant, seed: 1), allBegun(acknowledged.elements), Int.max - 1)
    }
  }

  /// The transaction after the last acknowledged one of each series may be there as well.
  private func allBegun(_ events: [Event]) -> [Event] {
    events
      + (0..<Self.threads).map { series in
        let last = events.filter { $0.series == series }.map(\.transaction).max() ?? 0
        return Event(
          series: series, transaction: last + 1, began: 0, acknowledged: Int.max)
      }
  }
}
