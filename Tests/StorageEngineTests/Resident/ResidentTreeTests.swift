// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Trees that live in memory: what the log and the pages have of them.
struct ResidentTreeTests {
  @Test func `what was put is in the pages after a checkpoint, and not before`() throws {
    try withStore { store in
      let pair = try ResidentPair(named: "memory", in: store.database)
      for number in 0..<2000 { try pair.put(key(number), [UInt8(number % 251)]) }
      for number in 0..<500 { try pair.delete(key(number * 4)) }
      #expect(try ResidentPair.pages(of: "memory", in: store.database).isEmpty)
      try store.database.checkpoint()
      #expect(try ResidentPair.pages(of: "memory", in: store.database) == pair.owner.all)
      #expect(pair.owner.all.count == 1500)
    }
  }

  @Test(arguments: [false, true])
  func `what was put is there when the store is opened again`(afterCrash: Bool) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let pair = try ResidentPair(named: "memory", in: store.database)
    var lsn: UInt64 = 0
    for number in 0..<3000 {
      if number == 1700 { try store.database.checkpoint() }
      lsn = try pair.put(key(number % 1000), key(number))
    }
    try store.database.settleResident(lsn, .synced)
    if !afterCrash { try store.database.close() }
    let copy = try TestStore(opening: afterCrash ? disk.crashed(.loseAll) : disk.reopened())
    #expect(try ResidentPair.pages(of: "memory", in: copy.database) == pair.owner.all)
    let again = try ResidentPair(named: "memory", in: copy.database)
    #expect(again.owner.all == pair.owner.all)
    try copy.checkTwiceAndClose()
  }

  @Test func `a whole snapshot shows what only memory has, also within a transaction`() throws {
    try withStore { store in
      let database = store.database
      let pair = try ResidentPair(named: "memory", in: database)
      try store.commit([.createTree("pages")])
      for number in 0..<1000 { try pair.put(key(number), [1]) }
      let plain = try database.snapshot()
      let whole = try database.wholeSnapshot()
      #expect(try ResidentPair.pages(of: "memory", in: plain).isEmpty)
      #expect(try ResidentPair.pages(of: "memory", in: whole) == pair.owner.all)
      let before = pair.owner.all
      for number in 0..<1000 { try pair.put(key(number), [2]) }
      try database.write { transaction in
        let pages = try #require(try transaction.tree(named: "pages"))
        try transaction.put([1], forKey: [1], in: pages)
        let inside = try database.wholeSnapshot()
        defer { inside.close() }
        #expect(try ResidentPair.pages(of: "memory", in: inside) == pair.owner.all)
        #expect(try inside.count(of: pages) == 0)
      }
      #expect(try ResidentPair.pages(of: "memory", in: whole) == before)
      plain.close()
      whole.close()
    }
  }

  @Test func `a transaction changes resident and other trees together`() throws {
    try withStore { store in
      let pair = try ResidentPair(named: "memory", in: store.database)
      try store.commit([.createTree("pages")])
      try pair.put([1], [1])
      try store.database.write { transaction in
        let pages = try #require(try transaction.tree(named: "pages"))
        try transaction.put([7], forKey: [7], in: pages)
        try transaction.put([2], forKey: [1], in: pair.tree.tree)
        try transaction.put([3], forKey: [3], in: pair.tree.tree)
        try transaction.delete([3], in: pair.tree.tree)
        try transaction.put(large, forKey: [4], in: pair.tree.tree)
      }
      #expect(pair.owner.all == [[1]: [2], [4]: large])
      #expect(pair.owner.unlockedChanges == 0)
      #expect(throws: Refused.self) {
        try store.database.write { transaction in
          try transaction.put([9], forKey: [1], in: pair.tree.tree)
          throw Refused()
        }
      }
      #expect(pair.owner.all[[1]] == [2])
      try pair.put([1], [5])
      try store.database.write { try $0.put(large + [1], forKey: [4], in: pair.tree.tree) }
      try store.database.checkpoint()
      #expect(try ResidentPair.pages(of: "memory", in: store.database) == pair.owner.all)
      try pair.put([4], [4])
      try store.database.checkpoint()
      #expect(try ResidentPair.pages(of: "memory", in: store.database) == [[1]: [5], [4]: [4]])
    }
  }

  @Test func `a batch is applied whole, in the order of the log, to several trees`() throws {
    try withStore { store in
      let first = try ResidentPair(named: "first", in: store.database)
      let second = try ResidentPair(named: "second", in: store.database)
      var batch = ResidentBatch()
      let (one, two) = ([UInt8(1)], [UInt8(2)])
      let (oneSpan, twoSpan) = (one.span, two.span)
      try batch.put(twoSpan, oneSpan, in: second.tree)
      try batch.put(oneSpan, oneSpan, in: first.tree)
      try batch.put(oneSpan, twoSpan, in: first.tree)
      try batch.put(twoSpan, twoSpan, in: first.tree)
      try batch.delete(twoSpan, in: first.tree)
      var applied = 0
      try store.database.commit(batch) { applied += 1 }
      #expect(applied == 1)
      try store.database.checkpoint()
      #expect(try ResidentPair.pages(of: "first", in: store.database) == [[1]: [2]])
      #expect(try ResidentPair.pages(of: "second", in: store.database) == [[2]: [1]])
      for (key, value) in [([UInt8(1)], [UInt8(2)])] { first.owner.set(key, value) }
    }
  }

  @Test func `keys and values out of bounds are refused and nothing is changed`() throws {
    try withStore { store in
      let pair = try ResidentPair(named: "memory", in: store.database)
      #expect(throws: EngineError.invalidKeyLength(length: 0, limit: 1024)) {
        try pair.put([], [1])
      }
      #expect(throws: EngineError.invalidKeyLength(length: 1025, limit: 1024)) {
        try pair.delete([UInt8](repeating: 1, count: 1025))
      }
      #expect(throws: EngineError.valueTooLong(length: 65537, limit: 65536)) {
        try pair.put([1], [UInt8](repeating: 1, count: 65537))
      }
      try pair.put([UInt8](repeating: 9, count: 1024), [UInt8](repeating: 1, count: 65536))
      #expect(pair.owner.all.count == 1)
      try store.database.checkpoint()
      #expect(try ResidentPair.pages(of: "memory", in: store.database) == pair.owner.all)
    }
  }

  @Test func `a tree is attached once, read in memory alone, and dropped when it is detached`()
    throws
  {
    try withStore { store in
      let pair = try ResidentPair(named: "memory", in: store.database)
      let id = pair.tree.tree
      #expect(throws: EngineError.treeInUse("number \(id.rawValue)")) {
        _ = try store.database.attachResident(id, ResidentDictionary())
      }
      #expect(throws: EngineError.treeNotFound("number 999")) {
        _ = try store.database.attachResident(TreeID(rawValue: 999), ResidentDictionary())
      }
      try pair.put([1], [1])
      for body: (WriteTransaction) throws -> Void in [
        { _ = try $0.value(forKey: [1], in: id) }, { try $0.dropTree(id) },
        { _ = try $0.count(of: id) },
      ] {
        #expect(throws: EngineError.treeInUse("number \(id.rawValue)")) {
          try store.database.write(body)
        }
      }
      try pair.tree.detach()
      #expect(throws: EngineError.self) { try pair.put([2], [2]) }
      #expect(try store.database.write { try $0.value(forKey: [1], in: id) } == [1])
      let again = try ResidentPair(named: "memory", in: store.database)
      #expect(again.owner.all == [[1]: [1]])
      // The handle of an earlier attachment has another owner.
      #expect(throws: EngineError.self) { try pair.put([2], [2]) }
      #expect(throws: EngineError.self) { try store.database.commit(batch(pair)) {} }
      try again.tree.detach()
      try store.database.write { try $0.dropTree(id) }
      #expect(throws: EngineError.self) { try again.put([2], [2]) }
    }
  }

  @Test func `a dropped tree takes nothing more, whatever of it waits to be folded`() throws {
    try withStore { store in
      let pair = try ResidentPair(named: "memory", in: store.database)
      try pair.put([1], [1])
      let dropping = try store.database.begin()
      try dropping.dropTree(pair.tree.tree)
      try dropping.commit()
      #expect(throws: EngineError.self) { try pair.put([2], [2]) }
      try store.database.checkpoint()
      #expect(try ResidentPair.pages(of: "memory", in: store.database).isEmpty)
    }
  }

  @Test func `a transaction that changes a resident tree cannot be prepared`() throws {
    try withStore { store in
      let pair = try ResidentPair(named: "memory", in: store.database)
      let transaction = try store.database.begin()
      try transaction.put([1], forKey: [1], in: pair.tree.tree)
      #expect(throws: TransactionError.self) { try transaction.prepare() }
      let dropping = try store.database.begin()
      try dropping.dropTree(pair.tree.tree)
      #expect(throws: TransactionError.self) { try dropping.prepare() }
      #expect(pair.owner.all.isEmpty)
    }
  }

  @Test func `nothing is taken any more once the store is closed`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let pair = try ResidentPair(named: "memory", in: store.database)
    try pair.put([1], [1])
    try store.database.close()
    #expect(throws: EngineError.closed) { try pair.put([2], [2]) }
    let copy = try TestStore(opening: disk.reopened())
    #expect(try ResidentPair.pages(of: "memory", in: copy.database) == [[1]: [1]])
    try copy.checkTwiceAndClose()
  }

  @Test func `leaves that are moved keep what waits to be folded`() throws {
    try withStore { store in
      let pair = try ResidentPair(named: "memory", in: store.database)
      var random = SplitMix64(seed: TestEnvironment.seed)
      for number in 0..<4000 { try pair.put(key(number), random.bytes(500)) }
      try store.database.checkpoint()
      for number in 0..<4000 where number % 10 != 3 { try pair.delete(key(number)) }
      try store.database.checkpoint()
      for number in 0..<4000 where number % 20 == 3 { try pair.put(key(number), key(number)) }
      let report = try store.database.compact()
      #expect(report.leavesMoved > 0)
      #expect(report.bytesAfter < report.bytesBefore)
      try store.database.checkpoint()
      #expect(try ResidentPair.pages(of: "memory", in: store.database) == pair.owner.all)
    }
  }

  @Test func `a full disk refuses what it has no room for, and all that was taken stays`() throws {
    let disk = SimulatedDisk(capacity: 12 << 20)
    let store = try TestStore(on: disk)
    let pair = try ResidentPair(named: "memory", in: store.database)
    var random = SplitMix64(seed: TestEnvironment.seed)
    var refused = 0
    for number in 0..<6000 {
      do {
        let lsn = try pair.put(key(number), random.bytes(4000))
        try store.database.settleResident(lsn, .manual)
      } catch {
        #expect(error as? EngineError == .outOfSpace)
        refused += 1
      }
      if number % 500 == 499 { store.scheduler.runAll() }
    }
    #expect(refused > 0)
    // Folding may need what the log has taken.
    disk.setCapacity(1 << 40)
    try store.database.checkpoint()
    #expect(try ResidentPair.pages(of: "memory", in: store.database) == pair.owner.all)
    for number in 0..<100 { try pair.delete(key(number)) }
    try store.checkTwiceAndClose()
  }

  @Test func `a store that a full disk stopped has all that was taken once there is room`() throws {
    let disk = SimulatedDisk(capacity: 8 << 20)
    let store = try TestStore(on: disk)
    let pair = try ResidentPair(named: "memory", in: store.database)
    var random = SplitMix64(seed: TestEnvironment.seed)
    var last: UInt64 = 0
    while true {
      do {
        last = try pair.put(random.bytes(8), random.bytes(random.below(3000)))
      } catch {
        #expect(error as? EngineError == .outOfSpace)
        break
      }
    }
    try store.database.settleResident(last, .synced)
    let crashed = disk.crashed(.loseAll)
    crashed.setCapacity(1 << 40)
    let copy = try TestStore(opening: crashed)
    #expect(try ResidentPair.pages(of: "memory", in: copy.database) == pair.owner.all)
    try copy.checkTwiceAndClose()
  }

  @Test func `what was committed before a tree was attached is there to be loaded`() throws {
    try withStore { store in
      let (id, commit) = try store.database.writeWithoutWaiting(durability: .manual) {
        transaction in
        let tree = try transaction.createTree(named: "memory")
        try transaction.put([1], forKey: [1], in: tree)
        return tree
      }
      let owner = ResidentDictionary()
      let tree = try store.database.attachResident(id, owner)
      #expect(try ResidentPair.pages(of: "memory", in: store.database) == [[1]: [1]])
      try commit.wait()
      try tree.detach()
    }
  }

  @Test func `segments and indexes cannot live in memory`() throws {
    try withStore { store in
      let segment = try store.database.write { try $0.createSegment(named: "blobs") }
      #expect(throws: EngineError.invalidTreeName("segment/blobs")) {
        _ = try store.database.attachResident(
          TreeID(rawValue: segment.rawValue), ResidentDictionary())
      }
    }
  }

  private func batch(_ pair: ResidentPair) throws -> ResidentBatch {
    var batch = ResidentBatch()
    let key: [UInt8] = [2]
    let span = key.span
    try batch.put(span, span, in: pair.tree)
    return batch
  }

  private let large = [UInt8](repeating: 5, count: 100_000)

  private func key(_ number: Int) -> [UInt8] { Array("key \(number * 7919 % 10_007)".utf8) }
}

private struct Refused: Error {}
