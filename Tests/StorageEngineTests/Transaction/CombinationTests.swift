// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Sequences that once went wrong: transactions that spill, prepare, create and drop at once.
struct CombinationTests {
  @Test(arguments: [false, true])
  func `what a spilled transaction has dropped takes nothing from others`(
    _ spillsLast: Bool
  ) throws {
    try withStore(adjust: { $0.transactionMemoryBytes = 16 << 10 }) { store in
      var model = Model()
      var random = SplitMix64(seed: 40)
      try store.commit([.createTree("main"), .createTree("a"), .createTree("b")], to: &model)
      let spilled = Workload.puts(100, of: 300...400, &random)
      // The second value gets the pages that the first one has given back.
      let dropped: [Change] = [
        .put(tree: "a", key: [1], value: random.bytes(90_000)), .dropTree("a"),
        .put(tree: "b", key: [1], value: random.bytes(90_000)),
      ]
      try store.commit(spillsLast ? dropped + spilled : spilled + dropped, to: &model)
      for variant in CrashVariant.allCases {
        let crashed = try TestStore(opening: store.disk.crashed(variant, seed: 40))
        try model.verify(try crashed.database.snapshot())
        try crashed.checkTwiceAndClose()
      }
      for round in 0..<4 {
        try store.database.checkpoint()
        try store.commit([Workload.put("main", "r\(round)", random.bytes(80_000))], to: &model)
        try model.verify(try store.database.snapshot())
      }
      try store.check()
    }
  }

  @Test
  func `extents taken for an open group are not given back`() throws {
    let database = try TestStore().database
    let pager = database.pager
    let payload = 3 << 20
    let placements = try pager.structureLock.withLock {
      try database.state.log.reserve(payload: payload, pager: pager)
      database.state.log.giveBack(from: 0, keeping: payload, map: &pager.map)
      return database.state.log.place(payload: payload)
    }
    #expect(placements.reduce(0) { $0 + $1.payloadBytes } == payload)
    #expect(placements.allSatisfy { pager.map.owners[$0.extent] == .log })
    #expect(pager.map.owners[database.state.log.nextExtent] == .log)
  }

  @Test
  func `a prepared transaction repeats its trees in the order it made and dropped them`() throws {
    try withStore { store in
      var model = Model()
      try store.commit([.createTree("old")], to: &model)
      let transaction = try store.database.begin()
      let first = try transaction.createTree(named: "new")
      try transaction.put([1], forKey: [1], in: first)
      try transaction.dropTree(first)
      let second = try transaction.createTree(named: "new")
      try transaction.put([2], forKey: [2], in: second)
      let old = try #require(try transaction.tree(named: "old"))
      try transaction.dropTree(old)
      let third = try transaction.createTree(named: "old")
      try transaction.dropTree(third)
      try transaction.prepare().commit()
      model.apply([.dropTree("old"), .createTree("new"), .put(tree: "new", key: [2], value: [2])])
      try model.verify(try store.database.snapshot())
    }
  }

  @Test
  func `a transaction that read what a prepared one will change waits before it is prepared`()
    throws
  {
    try withStore(adjust: { $0.lockWait = .milliseconds(20) }) { store in
      try store.commit([.createTree("main")])
      let first = try store.database.begin(TransactionOptions(identifier: [1]))
      let second = try store.database.begin(TransactionOptions(strategy: .versionOnRead))
      let tree = try #require(try first.tree(named: "main"))
      try first.put([1], forKey: [1], in: tree)
      let prepared = try first.prepare()
      #expect(try second.value(forKey: [1], in: tree) == nil)
      try second.put([2], forKey: [2], in: tree)
      #expect(throws: TransactionError.lockTimeout(holder: [1])) { _ = try second.prepare() }
      try prepared.commit()
    }
  }

  @Test
  func `bounds, keys and names that are too long are no reason to trap`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      let long = [UInt8](repeating: 65, count: 70_000)
      let transaction = try store.database.begin(TransactionOptions(strategy: .serializable))
      let tree = try #require(try transaction.tree(named: "main"))
      #expect(try transaction.value(forKey: long, in: tree) == nil)
      #expect(try transaction.tree(named: String(repeating: "x", count: 70_000)) == nil)
      let cursor = try transaction.cursor(in: tree, range: KeyRange(from: long, upTo: long + [1]))
      #expect(try !cursor.next())
      try transaction.put([1], forKey: [1], in: tree)
      try transaction.prepare().commit()
    }
  }

  @Test
  func `threads that share a transaction insert one after the other`() throws {
    try withStore { store in
      let transaction = try store.database.begin()
      let segment = try transaction.createSegment(named: "shared")
      try runThreads(4) { thread in
        for number in 0..<50 {
          _ = try transaction.insert([UInt8(thread), UInt8(number)], into: segment)
        }
      }
      #expect(try transaction.count(of: segment) == 200)
      try transaction.commit()
    }
  }
}
