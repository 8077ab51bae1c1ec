// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import TestSupport

/// What the threads of one random run share.
struct ModelWorld: Sendable {
  let database: Database
  let scheduler: ManualScheduler
  let lists: ListWorld
  let segment: SegmentID
  let index: Index<Int, Int>
  /// The tree of each thread.
  let trees: [TreeID]

  init(_ store: TestStore, _ strategy: ConflictStrategy, threads: Int) throws {
    database = store.database
    scheduler = store.scheduler
    lists = try ListWorld(database, strategy)
    (segment, index, trees) = try database.write { transaction in
      (
        try transaction.createSegment(named: "records"),
        try transaction.createIndex(
          named: "numbers", keys: Int.self, values: Int.self, mode: .cluster),
        try (0..<threads).map { try transaction.createTree(named: "tree \($0)") }
      )
    }
  }
}

/// What one thread has written, in dictionaries.
struct ThreadContent: Sendable {
  var entries: [[UInt8]: [UInt8]] = [:]
  var records: [RecordID: [UInt8]] = [:]
  /// The values of each key of the index.
  var numbers: [Int: Set<Int>] = [:]

  /// Compares all that the thread has written, with keys of its own, with what a store holds.
  func verify(_ reader: some TreeReader, _ world: ModelWorld, thread: Int) throws {
    var found: [[UInt8]: [UInt8]] = [:]
    let cursor = try reader.cursor(in: world.trees[thread])
    while try cursor.next() { found[cursor.key] = try cursor.value() }
    guard found == entries else { throw TestFailure("the entries of thread \(thread) differ") }
    for (record, bytes) in records {
      guard try reader.read(record) == bytes else { throw TestFailure("\(record) differs") }
    }
    for number in 0..<ThreadModel.numbers {
      let key = ThreadModel.key(number, thread)
      guard try Set(reader.values(forKey: key, in: world.index)) == numbers[key] ?? [] else {
        throw TestFailure("the values of \(key) differ")
      }
    }
  }
}

/// One thread with its random operations: of its own keys it knows what they must be, and of those
/// that all threads append to it notes what it saw.
final class ThreadModel {
  static let numbers = 6
  private struct Rollback: Error {}

  let thread: Int
  private(set) var content = ThreadContent()
  private let world: ModelWorld
  private let nextNumber: () -> Int
  private var random: SplitMix64
  private var held: (view: Snapshot, content: ThreadContent)?

  init(_ world: ModelWorld, thread: Int, seed: UInt64, nextNumber: @escaping () -> Int) {
    self.world = world
    self.thread = thread
    self.nextNumber = nextNumber
    random = SplitMix64(seed: seed &+ UInt64(thread) << 32)
  }

  static func key(_ number: Int, _ thread: Int) -> Int { thread * numbers + number }

  func run(steps: Int) throws {
    for _ in 0..<steps {
      try step()
      sched_yield()
    }
    if let held { try held.content.verify(held.view, world, thread: thread) }
    held = nil
  }

  private func step() throws {
    switch random.below(16) {
    case 0: try world.database.checkpoint()
    case 1: world.scheduler.runAll()
    case 2, 3: try look()
    case 4..<9: try append()
    default: try change()
    }
  }

  /// What was shown before must still be shown; what was acknowledged is shown from now on.
  private func look() throws {
    if let held { try held.content.verify(held.view, world, thread: thread) }
    let view = try world.database.snapshot()
    try content.verify(view, world, thread: thread)
    held = (view, content)
  }

  private func append() throws {
    let transaction = try ListTransaction(world.lists, nextNumber(), steps: 1 + random.below(5))
    while try transaction.step(&random) { sched_yield() }
  }

  private func change() throws {
    var next = content
    let isGivenUp = random.chance(1, in: 5)
    if random.chance(1, in: 3) {
      let durability: Durability = random.chance(1, in: 2) ? .synced : .manual
      do {
        try world.database.write(durability: durability) { transaction in
          try makeChanges(in: transaction, &next)
          if isGivenUp { throw Rollback() }
        }
      } catch is Rollback { return }
    } else {
      let strategies = ConflictStrategy.allCases
      let transaction = try world.database.begin(
        TransactionOptions(strategy: strategies[random.below(strategies.count)]))
      try makeChanges(in: transaction, &next)
      try next.verify(transaction, world, thread: thread)
      if try !end(transaction, isGivenUp: isGivenUp) { return }
    }
    content = next
  }

  /// Ends a transaction, with or without a first phase; says whether it was committed.
  private func end(_ transaction: Transaction, isGivenUp: Bool) throws -> Bool {
    switch (random.chance(1, in: 3), isGivenUp) {
    case (true, true): try transaction.prepare().rollback()
    case (true, false): try transaction.prepare().commit()
    case (false, true): transaction.rollback()
    case (false, false): try transaction.commit()
    }
    return !isGivenUp
  }

  private func makeChanges(in transaction: some TreeWriting, _ next: inout ThreadContent) throws {
    for _ in 0...random.below(12) {
      switch random.below(3) {
      case 0: try changeEntry(in: transaction, &next)
      case 1: try changeRecord(in: transaction, &next)
      default: try changeNumber(in: transaction, &next)
      }
    }
  }

  private func value() -> [UInt8] {
    random.bytes(random.below(random.chance(1, in: 20) ? 90_000 : 300))
  }

  private func changeEntry(in transaction: some TreeWriting, _ next: inout ThreadContent) throws {
    let key = bytes("key \(random.below(40))")
    let value = random.chance(1, in: 3) ? nil : value()
    if let value {
      try transaction.put(value, forKey: key, in: world.trees[thread])
    } else {
      try transaction.delete(key, in: world.trees[thread])
    }
    next.entries[key] = value
  }

  private func changeRecord(in transaction: some TreeWriting, _ next: inout ThreadContent) throws {
    let known = next.records.keys.sorted()
    guard !known.isEmpty, random.chance(2, in: 3) else {
      let value = value()
      next.records[try transaction.insert(value, into: world.segment)] = value
      return
    }
    let record = known[random.below(known.count)]
    let value = random.chance(1, in: 2) ? nil : value()
    if let value {
      try transaction.update(record, to: value)
    } else {
      try transaction.delete(record)
    }
    next.records[record] = value
  }

  private func changeNumber(in transaction: some TreeWriting, _ next: inout ThreadContent) throws {
    let key = Self.key(random.below(Self.numbers), thread)
    let value = random.below(8)
    switch random.below(6) {
    case 0:
      try transaction.removeKey(key, from: world.index)
      next.numbers[key] = nil
    case 1:
      try transaction.remove(value, forKey: key, from: world.index)
      next.numbers[key]?.remove(value)
    default:
      try transaction.put(value, forKey: key, in: world.index)
      next.numbers[key, default: []].insert(value)
    }
  }
}
