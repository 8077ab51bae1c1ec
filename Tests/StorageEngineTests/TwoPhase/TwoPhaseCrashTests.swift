// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Power cuts at every call while transactions are prepared and decided, also during recovery.
///
/// RECORD_STORE_TWO_PHASE_IMAGES limits the images, RECORD_STORE_SEED changes them.
struct TwoPhaseCrashTests {
  private static let images = TestEnvironment.count("RECORD_STORE_TWO_PHASE_IMAGES", quick: 600)

  private func points(_ run: TwoPhaseRun, _ limit: Int) -> [CrashPoint] {
    CrashPoint.all(
      on: run.disk, calls: run.ready..<(run.disk.mutations + 1), seeds: 1, limit: limit)
  }

  private func collect(
    _ points: [CrashPoint], _ body: (CrashPoint) throws -> Void
  ) {
    var failures = 0
    for point in points where failures < 5 {
      do {
        try body(point)
      } catch {
        failures += 1
        Issue.record("\(point): \(error) (RECORD_STORE_SEED=\(TestEnvironment.seed))")
      }
    }
  }

  private func image(_ run: TwoPhaseRun, _ point: CrashPoint) -> DiskImage {
    run.disk.crashed(atMutation: point.call, point.variant, seed: point.seed).image
  }

  @Test
  func `a power cut at any call leaves each transaction in one of its allowed states`() throws {
    let run = try TwoPhaseRun()
    collect(points(run, Self.images)) { point in
      let disk = SimulatedDisk(image(run, point))
      let database = try Database.open(on: disk, configuration: run.configuration)
      let states = try run.states(of: database)
      for (index, state) in states.enumerated()
      where !run.allowed(index, cutAt: point.call).contains(state) {
        throw TestFailure("transaction \(index) is \(state)")
      }
      try decideAll(run, database, states, seed: point.seed)
      if let fault = try database.check().faults.first { throw fault }
      try database.close()
      if let violation = disk.violations.first { throw TestFailure(violation) }
      Tally.countCrashImage()
    }
  }

  /// Decides on what is in doubt, and checks that this happens and nothing else.
  private func decideAll(
    _ run: TwoPhaseRun, _ database: Database, _ states: [TwoPhaseRun.State], seed: UInt64
  ) throws {
    var expected = states
    for found in try database.inDoubtTransactions() {
      let index = Int(found.identifier[0])
      let commits = (seed >> UInt64(index)) & 1 == 0
      try database.decide(commits ? .commit : .rollback, on: found.number)
      expected[index] = commits ? .committed : .absent
    }
    let after = try run.states(of: database)
    guard after == expected else { throw TestFailure("\(after) instead of \(expected)") }
  }

  @Test
  func `a power cut during a recovery leaves what was found or what was decided`() throws {
    let run = try TwoPhaseRun()
    var random = SplitMix64(seed: TestEnvironment.seed)
    collect(points(run, Self.images / 8)) { point in
      let disk = SimulatedDisk(image(run, point), recordsHistory: true)
      let (before, after) = try recover(run, disk, seed: point.seed)
      for _ in 0..<8 {
        let call = random.below(disk.mutations + 1)
        let variants = disk.variants(atMutation: call)
        let cut = disk.crashed(
          atMutation: call, variants[random.below(variants.count)], seed: random.next())
        let database = try Database.open(on: cut, configuration: run.configuration)
        let states = try run.states(of: database)
        for index in states.indices
        where states[index] != before[index] && states[index] != after[index] {
          throw TestFailure("cut at \(call): transaction \(index) is \(states[index])")
        }
        if let fault = try database.check().faults.first { throw fault }
        cut.stop(atMutation: cut.mutations)
        Tally.countCrashImage()
      }
    }
  }

  /// Recovers with decisions on all that is found; returns the states before and after.
  private func recover(
    _ run: TwoPhaseRun, _ disk: SimulatedDisk, seed: UInt64
  ) throws -> (before: [TwoPhaseRun.State], after: [TwoPhaseRun.State]) {
    let looking = SimulatedDisk(disk.image)
    let before = try run.states(
      of: try Database.open(on: looking, configuration: run.configuration))
    looking.stop(atMutation: looking.mutations)
    let plan = try Database.recover(on: disk, configuration: run.configuration)
    var expected = before
    for found in plan.transactions {
      let index = Int(found.identifier[0])
      // Also those whose commit had begun.
      let commits = (seed >> UInt64(index)) & 1 == 0
      try plan.decide(commits ? .commit : .rollback, on: found.number)
      expected[index] = commits ? .committed : .absent
    }
    let database = try plan.finish()
    let after = try run.states(of: database)
    guard after == expected else { throw TestFailure("\(after) instead of \(expected)") }
    disk.stop(atMutation: disk.mutations)
    return (before, after)
  }
}
