// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// The journal of one system in the store: its only writer.
struct CommandJournal: Sendable {
  let database: Database
  let trees: PrevalentTrees

  /// Entries that are removed in one transaction.
  private static let removedAtOnce: UInt64 = 512

  /// Logs a command; it is durable once `settle` has returned.
  ///
  /// Nothing is changed when it throws. Calls come in the order of the numbers.
  func append(
    _ number: UInt64, _ record: borrowing JournalBytes
  ) throws(PrevalenceError) -> UInt64 {
    do {
      let (_, commit) = try database.writeWithoutWaiting { transaction in
        let key = PrevalentKey.of(number)
        guard try transaction.value(forKey: key, in: trees.journal) == nil else {
          throw PrevalenceError.damagedEntry(number: number, reason: "it is there already")
        }
        try transaction.put(record.entry, forKey: key, in: trees.journal)
        if let payload = record.elsewhere {
          try transaction.put(payload, forKey: key, in: trees.payloads)
        }
      }
      return commit.lsn
    } catch {
      throw Self.error(error)
    }
  }

  /// Waits until a commit is as durable as asked, and the ones before it.
  func settle(_ lsn: UInt64, _ durability: Durability) throws(PrevalenceError) {
    try PrevalenceError.wrapping { () throws(EngineError) in
      try database.settle(lsn, durability)
    }
  }

  /// Removes the entries of a range.
  func remove(_ range: ClosedRange<UInt64>) throws(PrevalenceError) {
    var start = range.lowerBound
    while start <= range.upperBound {
      let end = min(range.upperBound, start + Self.removedAtOnce - 1)
      do {
        try database.write(durability: .manual) { transaction in
          for number in start...end {
            let key = PrevalentKey.of(number)
            try transaction.delete(key, in: trees.journal)
            try transaction.delete(key, in: trees.payloads)
          }
        }
      } catch {
        throw Self.error(error)
      }
      start = end + 1
    }
  }

  /// The first and the last entry that a view shows.
  func bounds(in view: Snapshot) throws(PrevalenceError) -> ClosedRange<UInt64>? {
    try PrevalenceError.wrapping { () throws(EngineError) in
      let forward = try view.cursor(in: trees.journal)
      guard try forward.next(), let first = PrevalentKey.number(forward.key) else { return nil }
      let backward = try view.cursor(in: trees.journal, range: .all, reversed: true)
      guard try backward.next(), let last = PrevalentKey.number(backward.key), last >= first
      else { return nil }
      return first...last
    }
  }

  /// Calls `body` with the entries after a number, in order and checked to be without gaps, until it
  /// returns false.
  func read(
    after number: UInt64, in view: Snapshot, _ body: (JournalRecord, ArraySlice<UInt8>) throws -> Bool
  ) throws {
    var expected = number + 1
    do {
      let range = KeyRange(from: PrevalentKey.of(expected))
      let cursor = try view.cursor(in: trees.journal, range: range)
      while try cursor.next() {
        guard cursor.key.count == 8, let found = PrevalentKey.number(cursor.key) else {
          throw PrevalenceError.damagedEntry(number: expected, reason: "its key is no number")
        }
        guard found == expected else { throw PrevalenceError.gap(expected: expected, found: found) }
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

/// An entry and, where the command is too long for it, the command.
struct JournalBytes: ~Copyable {
  let entry: [UInt8]
  let elsewhere: [UInt8]?
}
