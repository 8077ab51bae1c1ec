// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Several threads change resident trees beside checkpoints, compaction and other transactions.
struct ResidentConcurrencyTests {
  @Test func `whole snapshots beside commits show all of each, or nothing`() throws {
    let store = try TestStore(on: SimulatedDisk()) {
      $0.checkpointBytes = 1 << 16
      $0.scheduler = nil
    }
    let database = store.database
    let pair = try ResidentPair(named: "memory", in: database)
    try store.commit([.createTree("pages")])
    let isDone = Guarded(false)
    try runThreads(3) { thread in
      defer { isDone.withLock { $0 = true } }
      var number: UInt8 = 0
      while !isDone.withLock({ $0 }) {
        number &+= 1
        switch thread {
        case 0:
          try database.write(durability: .manual) { transaction in
            let pages = try #require(try transaction.tree(named: "pages"))
            try transaction.put([number], forKey: [0], in: pages)
            try transaction.put([number], forKey: [0], in: pair.tree.tree)
          }
        case 1:
          pair.owner.lockChanges()
          defer { pair.owner.unlockChanges() }
          try database.settleResident(
            try pair.put([1, number], [UInt8](repeating: 1, count: 300)), .manual)
        default:
          for _ in 0..<60 {
            let view = try database.wholeSnapshot()
            defer { view.close() }
            let memory = try ResidentPair.pages(of: "memory", in: view)
            let pages = try ResidentPair.pages(of: "pages", in: view)
            guard memory[[0]] == pages[[0]] else { throw TestFailure("half of a commit is shown") }
          }
          return
        }
      }
    }
    try store.checkTwiceAndClose()
  }

  @Test func `threads that commit beside checkpoints lose nothing`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk) {
      $0.checkpointBytes = 1 << 17
      $0.scheduler = nil
    }
    let database = store.database
    let pair = try ResidentPair(named: "memory", in: database)
    try store.commit([.createTree("pages")])
    let rounds = TestEnvironment.count("RECORD_STORE_THREAD_ROUNDS", quick: 600)
    try runThreads(6) { thread in
      var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(thread))
      for round in 0..<rounds {
        let key = [UInt8(thread), UInt8(random.below(250))]
        switch (thread, round % 8) {
        case (0, 0): try database.checkpoint()
        case (1, 0): _ = try database.compact()
        case (2, _):
          try database.write(durability: .manual) { transaction in
            let pages = try #require(try transaction.tree(named: "pages"))
            try transaction.put(key, forKey: key, in: pages)
            try transaction.put(random.bytes(300), forKey: key, in: pair.tree.tree)
          }
        default:
          pair.owner.lockChanges()
          let lsn = try pair.put(key, random.bytes(random.below(600)))
          pair.owner.unlockChanges()
          try database.settleResident(lsn, round % 16 == 5 ? .synced : .manual)
        }
      }
    }
    let expected = pair.owner.all
    try database.checkpoint()
    #expect(try ResidentPair.pages(of: "memory", in: database) == expected)
    try database.close()
    let copy = try TestStore(opening: disk.reopened())
    #expect(try ResidentPair.pages(of: "memory", in: copy.database) == expected)
    try copy.checkTwiceAndClose()
  }

  @Test func `a named snapshot made beside commits outlives the newest superblock`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let database = store.database
    let pair = try ResidentPair(named: "memory", in: database)
    let isDone = Guarded(false)
    try runThreads(2) { thread in
      var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(thread))
      if thread == 0 {
        for _ in 0..<100_000 where !isDone.withLock({ $0 }) {
          let lsn = try pair.put(random.bytes(1), random.bytes(200))
          try database.settleResident(lsn, .manual)
        }
        return
      }
      defer { isDone.withLock { $0 = true } }
      for round in 0..<20 {
        let name = "at \(round)"
        try database.createSnapshot(named: name)
        var image = disk.image
        image.zero(4096, at: image.newestSuperblock)
        let copy = try TestStore(opening: SimulatedDisk(image))
        try require(copy.database.namedSnapshots().contains { $0.name == name }, name)
        try copy.checkTwiceAndClose()
        try database.dropSnapshot(named: name)
      }
    }
    try store.checkTwiceAndClose()
  }

  private func require(_ isTrue: Bool, _ what: String) throws {
    if !isTrue { throw TestFailure("lost: \(what)") }
  }

  @Test func `a named snapshot has all of some moment`() throws {
    try withStore(adjust: { $0.scheduler = nil }) { store in
      let database = store.database
      let pair = try ResidentPair(named: "memory", in: database)
      // Each batch gives all keys the same value.
      try runThreads(2) { thread in
        for round in 0..<150 {
          if thread == 1 {
            if round % 30 == 0 { try database.createSnapshot(named: "at \(round)") }
            continue
          }
          var batch = ResidentBatch()
          let value = [UInt8(round)]
          let valueSpan = value.span
          for key in 0..<40 {
            let bytes = [UInt8(key)]
            let keySpan = bytes.span
            try batch.put(keySpan, valueSpan, in: pair.tree)
          }
          let lsn = try database.commit(batch) {
            for key in 0..<40 { pair.owner.set([UInt8(key)], value) }
          }
          try database.settleResident(lsn, .manual)
        }
      }
      for name in try database.namedSnapshots().map(\.name) {
        let view = try database.snapshot(named: name)
        defer { view.close() }
        let tree = try #require(try view.tree(named: "memory"))
        let cursor = try view.cursor(in: tree)
        var values: Set<[UInt8]> = []
        var count = 0
        while try cursor.next() {
          values.insert(try cursor.value())
          count += 1
        }
        #expect(values.count <= 1 && (count == 0 || count == 40))
      }
    }
  }
}
