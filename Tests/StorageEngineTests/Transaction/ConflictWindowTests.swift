// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// What is kept of commits for the transactions that are open.
struct ConflictWindowTests {
  private func begin(
    _ store: TestStore, _ strategy: ConflictStrategy = .versionOnWrite
  ) throws -> Transaction {
    try store.database.begin(TransactionOptions(strategy: strategy))
  }

  @Test
  func `nothing is kept when no transaction is open`() throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      for round in 0..<20 { try store.database.write { try $0.update(record, to: [UInt8(round)]) } }
      #expect(store.database.window.figures == (0, 0, nil))
      let open = try begin(store)
      for round in 0..<20 { try store.database.write { try $0.update(record, to: [UInt8(round)]) } }
      #expect(store.database.window.figures == (1, 20, open.lsn))
      let later = try begin(store)
      open.rollback()
      #expect(store.database.window.figures == (1, 0, later.lsn))
      later.rollback()
      #expect(store.database.window.figures == (0, 0, nil))
    }
  }

  @Test
  func `what every open transaction has seen is given up`() throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      var open: [Transaction] = []
      for round in 0..<10 {
        open.append(try begin(store))
        try store.database.write { try $0.update(record, to: [UInt8(round)]) }
      }
      for left in (1...9).reversed() {
        open.removeFirst().rollback()
        #expect(store.database.window.figures.commits == left)
      }
      try open[0].update(record, to: [99])
      #expect(throws: TransactionError.conflict(tree: "records")) { try open[0].commit() }
      #expect(store.database.window.figures.commits == 0)
    }
  }

  @Test(arguments: ConflictStrategy.allCases)
  func `when the memory is used up the oldest transaction is given up`(
    _ strategy: ConflictStrategy
  ) throws {
    try withStore(adjust: { $0.conflictWindowBytes = 200_000 }) { store in
      let record = try store.database.makeRecord()
      let other = try store.database.transact { try $0.insert([], into: record.segment) }
      let oldest = try begin(store, strategy)
      try oldest.update(other, to: bytes("oldest"))
      for _ in 0..<3 {
        try store.database.write { try $0.update(record, to: [UInt8](repeating: 1, count: 50_000)) }
      }
      let later = try begin(store)
      try store.database.write { try $0.update(record, to: [UInt8](repeating: 2, count: 60_000)) }
      #expect(store.database.window.figures.commits == 1)
      if strategy == .lastWriteWins {
        // It needs no commits of others to be checked against.
        try oldest.commit()
      } else {
        #expect(throws: TransactionError.tooOld) { try oldest.commit() }
        try later.update(other, to: bytes("later"))
        try later.commit()
      }
      let kept = strategy == .lastWriteWins ? "oldest" : "later"
      #expect(try store.database.committed(other) == bytes(kept))
    }
  }

  @Test
  func `nothing more is kept for a transaction that was given up and stays open`() throws {
    try withStore(adjust: { $0.conflictWindowBytes = 100_000 }) { store in
      let record = try store.database.makeRecord()
      let forgotten = try begin(store)
      for _ in 0..<30 {
        try store.database.write { try $0.update(record, to: [UInt8](repeating: 1, count: 60_000)) }
        #expect(store.database.window.figures.commits <= 2)
      }
      // A new one is checked against all that is committed from its beginning.
      let later = try begin(store)
      try later.update(record, to: bytes("later"))
      try store.database.write { try $0.update(record, to: bytes("first")) }
      #expect(throws: TransactionError.conflict(tree: "records")) { try later.commit() }
      #expect(try forgotten.read(record) == bytes("old"))
    }
  }

  @Test
  func `a transaction begun while commits wait for the disk sees them, or is checked against them`()
    throws
  {
    try withStore { store in
      let record = try store.database.makeRecord()
      for round in UInt8(0)..<2 {
        // When another is open, the commits are kept, and nobody has to wait for the disk.
        let other = round == 1 ? try begin(store) : nil
        let (_, pending) = try store.database.writeWithoutWaiting {
          try $0.update(record, to: [round])
        }
        let transaction = try begin(store)
        let sees = try transaction.read(record) == [round]
        #expect(sees == (round == 0))
        try transaction.update(record, to: [9])
        if sees {
          try transaction.commit()
        } else {
          #expect(throws: TransactionError.conflict(tree: "records")) { try transaction.commit() }
        }
        try pending.wait()
        other?.rollback()
      }
    }
  }

  @Test
  func `transactions begun and ended by many threads leave nothing in the window`() throws {
    try withStore { store in
      let database = store.database
      let segment = try database.makeSegment()
      try runThreads(6) { thread in
        for round in 0..<80 {
          let transaction = try database.begin()
          _ = try transaction.insert([UInt8(thread)], into: segment)
          if (round + thread) % 3 == 0 { continue }
          try transaction.commit()
        }
      }
      #expect(database.window.figures == (0, 0, nil))
    }
  }
}
