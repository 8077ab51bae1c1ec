// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// The journal of one system in the store.
///
/// Its tree is a resident one: entries go to the log, and the engine puts them into pages with the next
/// checkpoint. So what a snapshot of the store shows may lack the last entries; these are in memory
/// (`RecentJournal`).
struct CommandJournal: Sendable {
  let database: Database
  let trees: PrevalentTrees
  /// `nil` for reading only.
  let resident: ResidentTree?

  /// Entries that are removed in one transaction.
  private static let removedAtOnce: UInt64 = 512

  /// Has the entries of a journal live in memory from now on.
  static func attach(
    _ trees: PrevalentTrees, in database: Database, name: String
  ) throws(PrevalenceError) -> CommandJournal {
    do throws(EngineError) {
      let resident = try database.attachResident(trees.journal, JournalContents())
      return CommandJournal(database: database, trees: trees, resident: resident)
    } catch {
      if case .treeInUse = error { throw .alreadyOpen(name: name) }
      throw .engine(error)
    }
  }

  /// Logs a command; it is durable once `settle` has returned.
  ///
  /// Nothing is changed when it throws. Calls come in the order of the numbers. `payload` is how many
  /// bytes of the entry, its last ones, are the command.
  func append(
    _ number: UInt64, _ entry: Span<UInt8>, payload: Int
  ) throws(PrevalenceError) -> UInt64 {
    guard let resident else { throw .readOnly }
    do throws(EngineError) {
      return try put(number, entry, payload: payload, in: resident)
    } catch .outOfSpace {
      // The log may have room when its changes are in the pages.
      return try PrevalenceError.wrapping { () throws(EngineError) in
        try database.checkpoint()
        return try put(number, entry, payload: payload, in: resident)
      }
    } catch {
      throw .engine(error)
    }
  }

  private func put(
    _ number: UInt64, _ entry: Span<UInt8>, payload: Int, in resident: ResidentTree
  ) throws(EngineError) -> UInt64 {
    if entry.count > JournalRecord.maximumBytes {
      return try putLong(number, entry, payload: payload)
    }
    let key = PrevalentKey.bytes(of: number)
    let span = key.span
    return try resident.put(span, entry) {}
  }

  /// Logs a command that is too long for an entry, in a tree beside it.
  private func putLong(
    _ number: UInt64, _ entry: Span<UInt8>, payload: Int
  ) throws(EngineError) -> UInt64 {
    let bytes = entry.indices.map { entry[$0] }
    var short = Array(bytes.dropLast(payload))
    short[1] |= JournalRecord.elsewhereFlag
    let key = PrevalentKey.of(number)
    do {
      return try database.writeWithoutWaiting { transaction in
        try transaction.put(short, forKey: key, in: trees.journal)
        try transaction.put(Array(bytes.suffix(payload)), forKey: key, in: trees.payloads)
      }.commit.lsn
    } catch let error as EngineError {
      throw error
    } catch {
      throw .poisoned(reason: "\(error)")
    }
  }

  /// Waits until a commit is as durable as asked, and the ones before it.
  func settle(_ lsn: UInt64, _ durability: Durability) throws(PrevalenceError) {
    try PrevalenceError.wrapping { () throws(EngineError) in
      try database.settleResident(lsn, durability)
    }
  }

  /// Whether a commit is certain to survive; only for a store that refuses changes.
  func isDurable(_ lsn: UInt64) -> Bool { (try? database.settle(lsn, .synced)) != nil }

  /// Removes the entries of a range.
  func remove(_ range: ClosedRange<UInt64>) throws(PrevalenceError) {
    guard let resident else { throw .readOnly }
    var start = range.lowerBound
    while start <= range.upperBound {
      let end = min(range.upperBound, start + Self.removedAtOnce - 1)
      try PrevalenceError.wrapping { () throws(EngineError) in
        var batch = ResidentBatch()
        for number in start...end {
          let key = PrevalentKey.bytes(of: number)
          let span = key.span
          try batch.delete(span, in: resident)
        }
        try database.settleResident(try database.commit(batch) {}, .manual)
      }
      start = end + 1
    }
    try removePayloads(upTo: range.upperBound)
  }

  private func removePayloads(upTo number: UInt64) throws(PrevalenceError) {
    do {
      let range = KeyRange(upTo: PrevalentKey.of(number + 1))
      while true {
        let hasMore = try database.write(durability: .manual) { transaction in
          let cursor = try transaction.cursor(in: trees.payloads, range: range)
          // Each may be long.
          for _ in 0..<8 {
            guard try cursor.next() else { return false }
            try transaction.delete(cursor.key, in: trees.payloads)
          }
          return true
        }
        guard hasMore else { return }
      }
    } catch {
      throw Self.error(error)
    }
  }

  /// The first and the last entry that a view shows.
  ///
  /// The last ones may be missing.
  func bounds(in view: Snapshot) throws(PrevalenceError) -> ClosedRange<UInt64>? {
    guard let first = try bound(in: view, reversed: false),
      let last = try bound(in: view, reversed: true)
    else { return nil }
    guard first > 0, first <= last else {
      throw .damagedEntry(number: 0, reason: "commands are numbered from 1 on")
    }
    return first...last
  }

  /// The number of the first entry, or of the last one; `nil` where there is none.
  private func bound(in view: Snapshot, reversed: Bool) throws(PrevalenceError) -> UInt64? {
    let key = try PrevalenceError.wrapping { () throws(EngineError) -> [UInt8]? in
      let cursor = try view.cursor(in: trees.journal, range: .all, reversed: reversed)
      return try cursor.next() ? cursor.key : nil
    }
    guard let key else { return nil }
    guard let number = PrevalentKey.number(key) else {
      throw .damagedEntry(number: 0, reason: "its key is no number")
    }
    return number
  }

  /// Calls `body` with the entries after a number, in order and checked to be without gaps, until it
  /// returns false.
  func read(
    after number: UInt64, in view: Snapshot,
    _ body: (JournalRecord, ArraySlice<UInt8>) throws -> Bool
  ) throws {
    guard number < .max else {
      throw PrevalenceError.damagedEntry(number: number, reason: "no command has that number")
    }
    var expected = number + 1
    do {
      let range = KeyRange(from: PrevalentKey.of(expected))
      let cursor = try view.cursor(in: trees.journal, range: range)
      while try cursor.next() {
        guard let found = PrevalentKey.number(cursor.key) else {
          throw PrevalenceError.damagedEntry(number: expected, reason: "its key is no number")
        }
        guard found == expected, found < .max else {
          throw PrevalenceError.gap(expected: expected, found: found)
        }
        let record = try JournalRecord(number: found, try cursor.value()[...])
        let payload = try payload(of: record, in: view)
        guard try body(record, payload) else { return }
        expected += 1
      }
    } catch {
      throw PrevalenceError.unwrapped(error)
    }
  }

  private func payload(of record: JournalRecord, in view: Snapshot) throws -> ArraySlice<UInt8> {
    guard record.isElsewhere else { return record.payload }
    let key = PrevalentKey.of(record.number)
    guard let bytes = try view.value(forKey: key, in: trees.payloads) else {
      throw PrevalenceError.damagedEntry(number: record.number, reason: "its command is missing")
    }
    return bytes[...]
  }

  /// What a transaction threw.
  static func error(_ error: any Error) -> PrevalenceError {
    switch error {
    case let error as PrevalenceError: error
    case let error as EngineError: .engine(error)
    default: .failed(reason: "\(error)")
    }
  }
}

/// What the engine calls about the tree: nothing needs to be done, as the only one who changes it is
/// its journal, under the lock that orders commands.
private final class JournalContents: ResidentContents {
  func lockChanges() {}
  func unlockChanges() {}
  func apply(_ key: Span<UInt8>, _ value: Span<UInt8>?) {}
}
