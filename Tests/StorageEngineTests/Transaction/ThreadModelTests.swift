// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization
import TestSupport
import Testing

/// Random operations of several threads against plain dictionaries, and a search of their history
/// for what the strategy excludes; then a power cut, and all of it once more.
///
/// RECORD_STORE_MODEL_SEEDS is the number of runs, RECORD_STORE_SEED the seed of the first.
struct ThreadModelTests {
  private static let seeds = TestEnvironment.count("RECORD_STORE_MODEL_SEEDS", quick: 1000)
  private static let parts = 8
  private static let threads = 4
  /// Where the last write wins, a list loses elements, and tells nothing of the order.
  private static let strategies = ConflictStrategy.allCases.filter { $0 != .lastWriteWins }

  @Test(arguments: 0..<parts)
  func `random operations of several threads end as their model says`(_ part: Int) throws {
    var dependencies = 0
    for number in stride(from: part, to: Self.seeds, by: Self.parts) {
      let seed = TestEnvironment.seed &+ UInt64(number)
      do {
        dependencies += try run(seed, Self.strategies[number % Self.strategies.count])
      } catch {
        throw TestFailure("RECORD_STORE_SEED=\(seed): \(error)")
      }
      Tally.countModelSeed()
    }
    // Threads that come one after the other would show nothing.
    #expect(dependencies > 3 * Self.seeds / Self.parts)
  }

  /// Returns how many transactions read what another wrote later.
  private func run(_ seed: UInt64, _ strategy: ConflictStrategy) throws -> Int {
    let store = try TestStore { $0.checkpointBytes = 128 << 10 }
    let world = try ModelWorld(store, strategy, threads: Self.threads)
    store.disk.setFlushDelay(microseconds: 10)
    let contents = SharedList<(thread: Int, content: ThreadContent)>()
    let numbers = Atomic<Int>(1)
    try runThreads(Self.threads) { thread in
      let model = ThreadModel(world, thread: thread, seed: seed) {
        numbers.add(1, ordering: .relaxed).oldValue
      }
      try model.run(steps: 12)
      contents.append((thread, model.content))
    }
    try store.database.flush()
    try verify(store, world, contents.elements)
    let dependencies = try verifyIsolation(world, strategy)
    let variant = CrashVariant.allCases[Int(seed % UInt64(CrashVariant.allCases.count))]
    let cut = store.disk.crashed(variant, seed: seed)
    store.disk.stop(atMutation: store.disk.mutations)
    let again = try TestStore(opening: cut, configuration: store.configuration)
    try verify(again, world, contents.elements)
    cut.stop(atMutation: cut.mutations)
    Tally.countCrashImage()
    return dependencies
  }

  /// Compares all that a store holds with what the threads have written.
  private func verify(
    _ store: TestStore, _ world: ModelWorld, _ contents: [(thread: Int, content: ThreadContent)]
  ) throws {
    let view = try store.database.snapshot()
    defer { view.close() }
    for (thread, content) in contents { try content.verify(view, world, thread: thread) }
    let records = contents.map(\.content.records.count).reduce(0, +)
    guard try view.records(of: world.segment).count == records else {
      throw TestFailure("there are more records than the \(records) that were inserted")
    }
    try store.check()
  }

  private func verifyIsolation(_ world: ModelWorld, _ strategy: ConflictStrategy) throws -> Int {
    let checker = try HistoryChecker(world.lists.history.elements, lists: try world.lists.lists())
    if let loss = checker.violation(of: strategy) { throw TestFailure(loss) }
    return checker.count(.readWrite)
  }
}
