// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import Synchronization
import TestSupport
import Testing

/// Random transactions on a few keys, whose history is searched for what their strategy excludes.
///
/// RECORD_STORE_ISOLATION_ROUNDS is the number of histories, RECORD_STORE_SEED changes them.
struct IsolationTests {
  private static let rounds = TestEnvironment.count("RECORD_STORE_ISOLATION_ROUNDS", quick: 4)
  /// Where the last write wins, a list loses elements, and tells nothing of the order.
  private static let strategies = ConflictStrategy.allCases.filter { $0 != .lastWriteWins }

  @Test(arguments: strategies)
  func `transactions whose steps alternate are isolated as promised`(
    _ strategy: ConflictStrategy
  ) throws {
    for round in 0..<Self.rounds {
      let seed = TestEnvironment.seed &+ UInt64(round)
      try withStore { store in
        let world = try ListWorld(store.database, strategy)
        var random = SplitMix64(seed: seed)
        var open: [ListTransaction] = []
        for number in 1...600 {
          while open.count > random.below(6) {
            let index = random.below(open.count)
            if try !open[index].step(&random) { open.remove(at: index) }
          }
          open.append(try ListTransaction(world, number, steps: 1 + random.below(6)))
        }
        for transaction in open { while try transaction.step(&random) {} }
        try verify(world, "alternating, RECORD_STORE_SEED=\(seed)")
      }
    }
  }

  @Test(arguments: strategies)
  func `transactions of several threads are isolated as promised`(
    _ strategy: ConflictStrategy
  ) throws {
    for round in 0..<Self.rounds {
      let seed = TestEnvironment.seed &+ UInt64(round)
      try withStore { store in
        let world = try ListWorld(store.database, strategy)
        let numbers = Atomic<Int>(1)
        try runThreads(5) { thread in
          var random = SplitMix64(seed: seed &+ UInt64(thread) << 32)
          for _ in 0..<150 {
            let number = numbers.add(1, ordering: .relaxed).oldValue
            let transaction = try ListTransaction(world, number, steps: 1 + random.below(6))
            while try transaction.step(&random) { sched_yield() }
          }
        }
        try verify(world, "threads, RECORD_STORE_SEED=\(seed)")
      }
    }
  }

  private func verify(_ world: ListWorld, _ place: String) throws {
    do {
      let checker = try HistoryChecker(world.history.elements, lists: try world.lists())
      if let violation = checker.violation(of: world.strategy) { throw TestFailure(violation) }
      #expect(checker.count(.readWrite) > 20, "\(place)")
    } catch {
      throw TestFailure("\(place): \(error)")
    }
  }

  @Test
  func `the check finds a write skew that snapshot isolation allows`() throws {
    try withStore { store in
      let world = try ListWorld(store.database, .versionOnWrite)
      let transactions = try (1...2).map { try ListTransaction(world, $0, steps: 0) }
      for (index, transaction) in transactions.enumerated() {
        try transaction.read(index)
        try transaction.append(1 - index)
      }
      for transaction in transactions { #expect(try transaction.commit()) }
      let checker = try HistoryChecker(world.history.elements, lists: try world.lists())
      #expect(checker.cycle([.writeWrite, .writeRead, .readWrite])?.count == 3)
      #expect(checker.cycleOfOneReadWrite() == nil)
      #expect(checker.lostUpdate() == nil)
    }
  }
}
