// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Several threads change resident trees beside checkpoints, compaction and other transactions.
struct ResidentConcurrencyTests {
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
    // What each thread put last for its own keys, whatever the owner was told.
    let expected = Guarded<ResidentDictionary.Entries>([:])
    try runThreads(6) { thread in
      var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(thread))
      var last: ResidentDictionary.Entries = [:]
      for round in 0..<rounds {
        let key = [UInt8(thread), UInt8(random.below(250))]
        switch (thread, round % 8) {
        case (0, 0): try database.checkpoint()
        case (1, 0): _ = try database.compact()
        case (2, _):
          let value = random.bytes(300)
          last[key] = value
          try database.write(durability: .manual) { transaction in
            let pages = try #require(try transaction.tree(named: "pages"))
            try transaction.put(key, forKey: key, in: pages)
            try transaction.put(value, forKey: key, in: pair.tree.tree)
          }
        default:
          let value = random.bytes(random.below(600))
          last[key] = value
          pair.owner.lockChanges()
          let lsn = try pair.put(key, value)
          pair.owner.unlockChanges()
          try database.settleResident(lsn, round % 16 == 5 ? .synced : .manual)
        }
      }
      let entries = last
      expected.withLock { $0.merge(entries) { $1 } }
    }
    let all = expected.withLock { $0 }
    #expect(pair.owner.all == all)
    try database.checkpoint()
    #expect(try ResidentPair.pages(of: "memory", in: database) == all)
    try database.close()
    let copy = try TestStore(opening: disk.reopened())
    #expect(try ResidentPair.pages(of: "memory", in: copy.database) == all)
    try copy.checkTwiceAndClose()
  }

  @Test func `a named snapshot made beside commits outlives the newest superblock`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let database = store.database
    let pair = try ResidentPair(named: "memory", in: database)
    let isDone = Guarded(false)
    let faults = Guarded<[String]>([])
    try runThreads(2) { thread in
      var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(thread))
      if thread == 0 {
        while !isDone.withLock({ $0 }) { try pair.put(random.bytes(1), random.bytes(200)) }
        return
      }
      defer { isDone.withLock { $0 = true } }
      for round in 0..<20 {
        let name = "at \(round)"
        try database.createSnapshot(named: name)
        var image = disk.image
        image.zero(4096, at: image.newestSuperblock)
        let copy = try TestStore(opening: SimulatedDisk(image))
        #expect(try copy.database.namedSnapshots().contains { $0.name == name })
        do { try copy.checkTwiceAndClose() } catch { faults.withLock { $0.append("\(error)") } }
        try database.dropSnapshot(named: name)
      }
    }
    // Once in some hundred times a page is marked as used that nothing reaches.
    withKnownIssue("a page is lost after a fallback beside commits", isIntermittent: true) {
      #expect(faults.withLock { $0 } == [])
    }
    try store.checkTwiceAndClose()
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
