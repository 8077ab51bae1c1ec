// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import TestSupport
import Testing

/// `RECORD_STORE_SEED` repeats one seed (it runs first), `RECORD_STORE_SEEDS` sets how many run,
/// `RECORD_STORE_STEPS` how long each is.
@Suite struct SimulationTests {
  private static let seeds = (0..<TestEnvironment.count("RECORD_STORE_SEEDS", quick: 24)).map {
    TestEnvironment.seed &+ UInt64($0)
  }
  private static let steps = TestEnvironment.count("RECORD_STORE_STEPS", quick: 2000)

  @Test(arguments: seeds)
  func `replicas that had a hard time agree once it is over`(seed: UInt64) throws {
    let simulation = try Simulation(seed: seed, replicaCount: 3 + Int(seed % 3))
    do {
      try simulation.run(steps: Self.steps)
      try simulation.heal()
    } catch {
      Issue.record("RECORD_STORE_SEED=\(seed): \(error)")
    }
    if TestEnvironment.text("RECORD_STORE_VERBOSE") != nil {
      print("seed \(seed): \(simulation.tally)")
    }
  }

  @Test func `a seed repeats a run`() throws {
    let traces = try (0..<2).map { _ in
      let simulation = try Simulation(seed: TestEnvironment.seed)
      try simulation.run(steps: 600)
      try simulation.heal()
      return simulation.trace.finish()
    }
    #expect(traces[0] == traces[1])
  }
}
