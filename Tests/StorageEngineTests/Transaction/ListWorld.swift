// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport

/// A tree of lists, and what was done with it.
struct ListWorld: Sendable {
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
final class ListTransaction {
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
