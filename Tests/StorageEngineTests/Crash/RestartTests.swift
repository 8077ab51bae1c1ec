// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import TestSupport
import Testing

/// A process that opens what another left whose write or flush failed, and then a power cut.
///
/// What the second process reads may never have reached the disk: a superblock, the last group of
/// the log. It must make durable what it shows, before it builds on it.
///
/// RECORD_STORE_RESTART_SEEDS is the number of seeds for each random variant.
struct RestartTests {
  /// More than a recovery of these small stores makes.
  private static let recoveryCalls = 12
  private static let seeds = TestEnvironment.count("RECORD_STORE_RESTART_SEEDS", quick: 3)

  /// One life after another on one disk.
  private final class Lives {
    let disk = SimulatedDisk(recordsHistory: true)
    let series: ScriptedSeries
    /// Transactions that were promised, by the count of mutations at that time.
    private(set) var promises: [(mutations: Int, transaction: Int)] = []
    private(set) var begun = 0

    init(seed: UInt64) {
      series = ScriptedSeries(0, seed: seed)
    }

    func create() throws {
      let store = try TestStore(on: disk)
      try store.commit([.createTree(ScriptedSeries.tree)])
      promises.append((disk.mutations, 0))
      try store.database.close()
    }

    /// Opens the store, and commits and checkpoints until an error comes.
    ///
    /// A fault strikes in the given call after opening.
    func live(_ rounds: Int, fault: Fault? = nil) throws {
      let store = try TestStore(opening: disk.reopened())
      if var fault {
        fault.call += disk.calls
        disk.inject(fault)
      }
      let found = try series.progress(in: try store.database.snapshot())
      promises.append((disk.mutations, found))
      for round in 0..<rounds {
        begun = found + round + 1
        try store.commit(series.changes(begun))
        promises.append((disk.mutations, begun))
        if round % 2 == 1 { try store.database.checkpoint() }
      }
      try store.check()
    }

    func verify(cutAt call: Int, _ variant: CrashVariant, seed: UInt64) throws {
      let promised = promises.filter { $0.mutations <= call }.map(\.transaction).max() ?? 0
      let cut = disk.crashed(atMutation: call, variant, seed: seed)
      let store = try TestStore(opening: cut)
      let view = try store.database.snapshot()
      let found = try series.progress(in: view)
      guard (promised...max(promised, begun)).contains(found) else {
        throw TestFailure("\(found) instead of at least \(promised)")
      }
      var model = Model()
      model.apply(.createTree(ScriptedSeries.tree))
      for number in stride(from: 1, through: found, by: 1) { model.apply(series.changes(number)) }
      try model.verify(view)
      view.close()
      try store.check()
      cut.stop(atMutation: cut.mutations)
      Tally.countCrashImage()
    }
  }

  @Test(arguments: [Fault.Applied.nothing, .whole])
  func `what was read after a failure is durable before anything is built on it`(
    _ applied: Fault.Applied
  ) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for call in 0..<80 {
      let lives = Lives(seed: TestEnvironment.seed &+ UInt64(call))
      try lives.create()
      let disk = lives.disk
      let fault = Fault(
        call: call, kind: .system(errno: EIO), applied: applied, lasts: true)
      do {
        try lives.live(6, fault: fault)
      } catch is EngineError {}
      guard disk.failedOperation != nil else { break }
      disk.inject(nil)
      let restarted = disk.mutations
      try lives.live(5)
      let end = disk.mutations
      for cut in restarted..<min(end, restarted + Self.recoveryCalls) {
        for variant in disk.variants(atMutation: cut) {
          // After a failed flush it takes two losses at once: of what was read, and of what was
          // written upon it.
          let factor = disk.failedOperation == .flush ? 10 : 1
          for _ in 0..<(variant.isRandom ? factor * Self.seeds : 1) {
            try verify(lives, call, cut, variant, random.next() >> 32)
          }
        }
      }
      for _ in 0..<8 {
        let cut = restarted + random.below(end - restarted + 1)
        let variants = disk.variants(atMutation: cut)
        for variant in [.loseAll, variants[random.below(variants.count)]] {
          try verify(lives, call, cut, variant, random.next() >> 32)
        }
      }
    }
  }

  private func verify(
    _ lives: Lives, _ call: Int, _ cut: Int, _ variant: CrashVariant, _ seed: UInt64
  ) throws {
    do {
      try lives.verify(cutAt: cut, variant, seed: seed)
    } catch {
      throw TestFailure(
        "failure at \(call), cut at \(cut), \(variant): \(error) "
          + "(RECORD_STORE_SEED=\(TestEnvironment.seed))")
    }
  }
}
