// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// How long a group of the log may become, and a transaction in it.
struct GroupTests {
  /// Puts a transaction into the open group without waiting for its flush.
  private func submit(_ store: TestStore, _ changes: [Change]) throws {
    let database = store.database
    try database.writerLock.withLock {
      let base = database.pager.structureLock.withLock { database.state.working }
      let transaction = WriteTransaction(database: database, base: base)
      do {
        for change in changes { try change.apply(to: transaction) }
        _ = try database.submit(transaction)
        transaction.end()
      } catch {
        transaction.rollback()
        throw error
      }
    }
  }

  private func put(_ number: Int, bytes: Int) -> Change {
    Workload.put("main", "key \(number)", [UInt8](repeating: UInt8(number), count: bytes))
  }

  @Test
  func `large transactions that meet end the group early and none is refused`() throws {
    let disk = SimulatedDisk()
    try withStore(
      on: disk,
      adjust: {
        $0.transactionBytes = 70_000
        $0.groupBytes = 100_000
      }
    ) { store in
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      let first = store.database.state.log.nextGroup
      for number in 0..<6 {
        let change = put(number, bytes: 60_000)
        try submit(store, [change])
        model.apply(change)
      }
      try store.database.flush()
      // Two in each: more together than one transaction may have, and then no more.
      #expect(store.database.state.log.nextGroup - first == 3)
      try model.verify(try store.database.snapshot())
      let recovered = try TestStore(opening: disk.crashed(.loseAll))
      try model.verify(try recovered.database.snapshot())
      try recovered.checkTwiceAndClose()
    }
  }

  @Test
  func `a large value's pages are flushed before its group, also where that was begun early`()
    throws
  {
    let disk = SimulatedDisk()
    try withStore(on: disk, adjust: { $0.groupBytes = 1 }) { store in
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      for number in 0..<4 {
        let change = put(number, bytes: number % 2 == 0 ? 10 : 100_000)
        try submit(store, [change])
        model.apply(change)
      }
      try store.database.flush()
      let recovered = try TestStore(opening: disk.crashed(.loseAll))
      try model.verify(try recovered.database.snapshot())
      try recovered.checkTwiceAndClose()
    }
  }

  @Test
  func `a transaction above the limit is refused alone`() throws {
    let disk = SimulatedDisk()
    try withStore(on: disk, adjust: { $0.transactionBytes = 70_000 }) { store in
      var model = Model()
      try store.commit([.createTree("main")], to: &model)
      try submit(store, [put(1, bytes: 60_000)])
      model.apply(put(1, bytes: 60_000))
      #expect(throws: EngineError.transactionTooLong(limit: 70_000)) {
        try submit(store, [put(2, bytes: 40_000), put(3, bytes: 40_000)])
      }
      try store.commit([put(4, bytes: 10)], to: &model)
      try model.verify(try store.database.snapshot())
      let recovered = try TestStore(opening: disk.crashed(.loseAll))
      try model.verify(try recovered.database.snapshot())
      try recovered.checkTwiceAndClose()
    }
  }
}
