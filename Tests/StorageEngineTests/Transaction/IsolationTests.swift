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
      #expect(checker.lostUpdate() == nil, "\(place)")
      #expect(checker.cycle([.writeWrite, .writeRead]) == nil, "\(place)")
      #expect(checker.cycleOfOneReadWrite() == nil, "\(place)")
      #expect(checker.count(.readWrite) > 20, "\(place)")
      if world.strategy != .versionOnWrite {
        #expect(checker.cycle([.writeWrite, .writeRead, .readWrite]) == nil, "\(place)")
      }
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

/// A tree of lists, and what was done with it.
private struct ListWorld: Sendable {
  static let keys = 5
  let database: Database
  let tree: TreeID
  let strategy: ConflictStrategy
  let history = SharedList<HistoryEntry>()

  init(_ database: Database, _ strategy: ConflictStrategy) throws {
    self.database = database
    self.strategy = strategy
    tree = try database.write { try $0.createTree(named: "lists") }
  }

  func lists() throws -> [Int: [Int]] {
    try database.read { view in
      var lists: [Int: [Int]] = [:]
      for key in 0..<Self.keys {
        lists[key] = Self.list(try view.value(forKey: [UInt8(key)], in: tree))
      }
      return lists
    }
  }

  static func list(_ bytes: [UInt8]?) -> [Int] {
    let bytes = bytes ?? []
    return stride(from: 0, to: bytes.count, by: 4).map { start in
      bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    }
  }

  static func bytes(_ list: [Int]) -> [UInt8] {
    list.flatMap { Marks.key($0) }
  }
}

/// A transaction that reads lists and appends to them, and notes it.
private final class ListTransaction {
  private let world: ListWorld
  private let transaction: Transaction
  private var entry: HistoryEntry
  private var steps: Int

  init(_ world: ListWorld, _ number: Int, steps: Int) throws {
    self.world = world
    self.steps = steps
    entry = HistoryEntry(number: number)
    transaction = try world.database.begin(TransactionOptions(strategy: world.strategy))
  }

  /// Does one thing; false when it has ended.
  func step(_ random: inout SplitMix64) throws -> Bool {
    guard steps > 0 else {
      if random.chance(1, in: 10) { rollback() } else { try commit() }
      return false
    }
    steps -= 1
    let key = random.below(ListWorld.keys)
    switch random.below(6) {
    case 0, 1: try append(key)
    // Ranges are checked by one strategy only.
    case 2 where world.strategy == .serializable: try scan()
    default: try read(key)
    }
    return true
  }

  func read(_ key: Int) throws {
    try note(key, ListWorld.list(try transaction.value(forKey: [UInt8(key)], in: world.tree)))
  }

  private func scan() throws {
    var lists: [Int: [Int]] = [:]
    let cursor = try transaction.cursor(in: world.tree)
    while try cursor.next() { lists[Int(cursor.key[0])] = ListWorld.list(try cursor.value()) }
    for key in 0..<ListWorld.keys { try note(key, lists[key] ?? []) }
  }

  func append(_ key: Int) throws {
    try read(key)
    let own = entry.appended[key] ?? []
    guard own.count < 4 else { return }
    entry.appended[key] = own + [entry.number * 4 + own.count]
    let list = (entry.reads[key] ?? []) + (entry.appended[key] ?? [])
    try transaction.put(ListWorld.bytes(list), forKey: [UInt8(key)], in: world.tree)
  }

  /// Notes what was read, which must be what was read before, with the own elements behind it.
  private func note(_ key: Int, _ list: [Int]) throws {
    let own = entry.appended[key] ?? []
    let others = Array(list.dropLast(own.count))
    guard list.suffix(own.count) == own[...], entry.reads[key] ?? others == others else {
      throw TestFailure("transaction \(entry.number) read \(list) of key \(key) after its own")
    }
    entry.reads[key] = others
  }

  private func rollback() {
    transaction.rollback()
    world.history.append(entry)
  }

  @discardableResult
  func commit() throws -> Bool {
    do {
      try transaction.commit()
      entry.isCommitted = true
    } catch TransactionError.conflict {}
    world.history.append(entry)
    return entry.isCommitted
  }
}
