// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization
import TestSupport

/// The simplest owner of a resident tree: a dictionary under a lock.
final class ResidentDictionary: ResidentContents {
  typealias Entries = [[UInt8]: [UInt8]]

  private let entries = Guarded<Entries>([:])
  private let changes = ChangesLock()
  /// How often it was told of a change without being locked.
  private let unlocked = Guarded(0)

  var unlockedChanges: Int { unlocked.withLock { $0 } }

  var all: Entries { entries.withLock { $0 } }

  func lockChanges() { changes.lock() }
  func unlockChanges() { changes.unlock() }

  func apply(_ key: Span<UInt8>, _ value: Span<UInt8>?) {
    if !changes.isLocked { unlocked.withLock { $0 += 1 } }
    let key = key.copied
    if let value { set(key, value.copied) } else { set(key, nil) }
  }

  func set(_ key: [UInt8], _ value: [UInt8]?) { entries.withLock { $0[key] = value } }
}

/// A lock that is taken in one call and given back in another.
final class ChangesLock: Sendable {
  private let isHeld = Atomic<Bool>(false)

  func lock() {
    while !isHeld.compareExchange(
      expected: false, desired: true, ordering: .acquiring
    ).exchanged {}
  }

  var isLocked: Bool { isHeld.load(ordering: .acquiring) }

  func unlock() { isHeld.store(false, ordering: .releasing) }
}

extension Span<UInt8> {
  var copied: [UInt8] {
    var bytes: [UInt8] = []
    for index in indices { bytes.append(self[index]) }
    return bytes
  }
}

/// A resident tree with the dictionary that owns it.
struct ResidentPair {
  let tree: ResidentTree
  let owner = ResidentDictionary()

  /// Attaches the tree of that name, which is created where there is none, and loads it.
  init(named name: String, in database: Database) throws {
    let id = try database.write { transaction in
      try transaction.tree(named: name) ?? transaction.createTree(named: name)
    }
    tree = try database.attachResident(id, owner)
    for (key, value) in try ResidentPair.pages(of: name, in: database) { owner.set(key, value) }
  }

  /// What the pages hold.
  static func pages(of name: String, in database: Database) throws -> ResidentDictionary.Entries {
    try database.read { try pages(of: name, in: $0) }
  }

  /// What the pages of a view hold.
  static func pages(of name: String, in view: Snapshot) throws -> ResidentDictionary.Entries {
    var entries: ResidentDictionary.Entries = [:]
    guard let tree = try view.tree(named: name) else { return entries }
    let cursor = try view.cursor(in: tree)
    while try cursor.next() { entries[cursor.key] = try cursor.value() }
    return entries
  }

  @discardableResult
  func put(_ key: [UInt8], _ value: [UInt8]) throws -> UInt64 {
    let (keySpan, valueSpan) = (key.span, value.span)
    return try tree.put(keySpan, valueSpan) { owner.set(key, value) }
  }

  @discardableResult
  func delete(_ key: [UInt8]) throws -> UInt64 {
    let span = key.span
    return try tree.delete(span) { owner.set(key, nil) }
  }
}
