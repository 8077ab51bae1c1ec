// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing

@testable import StorageEngine

/// Frames of the page cache that a reader may be looking at.
struct FrameTests {
  private func root(_ store: TestStore) throws -> PageReference {
    let state = store.database.pager.structureLock.withLock { store.database.state.working }
    return try #require(state.trees.first).root
  }

  @Test
  func `a page that is retired under a reader keeps its content until the reader leaves`() throws {
    try withStore { store in
      try store.commit([.createTree("main"), Workload.put("main", "k", [1])])
      let pager = store.database.pager
      let epoch = pager.pool.epochs.enter()
      var fallback: AlignedBuffer?
      let page = try pager.page(try root(store), fallback: &fallback)
      #expect(fallback == nil)
      let before = page.bytes(0, pager.pageBytes).array
      // Each replaces the leaf, and gives the one before back.
      for number in 0..<20 { try store.commit([Workload.put("main", "k", [UInt8(number)])]) }
      #expect(page.bytes(0, pager.pageBytes).array == before)
      pager.pool.lock.withLock {
        #expect(pager.pool.limboCount > 0)
        pager.pool.drainLimbo()
        #expect(pager.pool.limboCount > 0)
      }
      pager.pool.epochs.leave(epoch)
      pager.pool.lock.withLock {
        pager.pool.drainLimbo()
        #expect(pager.pool.limboCount == 0)
      }
    }
  }

  @Test
  func `a writer whose frames readers hold waits for them and does not fail`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      let pool = store.database.pager.pool
      let database = store.database
      let epoch = pool.epochs.enter()
      let isDone = Atomic<Bool>(false)
      try runThreads(2) { thread in
        if thread == 0 {
          defer { isDone.store(true, ordering: .sequentiallyConsistent) }
          var random = SplitMix64(seed: TestEnvironment.seed)
          // Several times the 4 MiB of the cache.
          for round in 0..<8 {
            try database.write { transaction in
              for number in 0..<2000 {
                try Workload.put("main", "\(round) \(number)", random.bytes(900))
                  .apply(to: transaction)
              }
            }
          }
          return
        }
        // The reader leaves once the writer has found nothing for a while.
        var starved = 0
        while starved < 50 && !isDone.load(ordering: .sequentiallyConsistent) {
          let isStarved = pool.lock.withLock {
            pool.freeCount < FramePool.writerReserve && pool.limboCount >= FramePool.writerReserve
          }
          starved = isStarved ? starved + 1 : 0
          usleep(200)
        }
        #expect(starved == 50, "the writer never had to wait")
        pool.epochs.leave(epoch)
      }
      let view = try database.snapshot()
      #expect(try view.count(of: try #require(try view.tree(named: "main"))) == 16_000)
      view.close()
    }
  }

  /// The frame could become another page's between looking it up and reading it; that cannot be
  /// made to happen at will, but that the epoch is entered can be seen where none is to be had.
  @Test
  func `the birth of a page that is retired is read inside an epoch`() throws {
    let pager = try Pager(
      storage: SimulatedDisk(), geometry: PageGeometry(pageBytes: 4096), cacheBytes: 256 * 4096)
    try pager.resize(toExtents: 1)
    pager.map.setOwner(0, .pages)
    pager.openBirth = 100
    let reference = try write(pager, birth: 5)
    let loading = pager.pool.epochs.enter()
    var fallback: AlignedBuffer?
    _ = try pager.page(reference, fallback: &fallback)
    pager.pool.epochs.leave(loading)

    let epochs = (0..<256).map { _ in pager.pool.epochs.enter() }
    let isDone = Atomic<Bool>(false)
    try runThreads(2) { thread in
      if thread == 0 {
        pager.retireUnseen(reference.number, namedBirth: 0)
        isDone.store(true, ordering: .sequentiallyConsistent)
      } else {
        usleep(50_000)
        let wasDone = isDone.load(ordering: .sequentiallyConsistent)
        #expect(!wasDone)
        for epoch in epochs { pager.pool.epochs.leave(epoch) }
      }
    }
    #expect(pager.retired.map(\.birth) == [5])
  }

  @Test
  func `lending several values takes one place among the epochs`() throws {
    try withStore { store in
      try store.commit([
        .createTree("main"), Workload.put("main", "a", [1]),
        Workload.put("main", "b", [UInt8](repeating: 2, count: 3000)),
      ])
      let view = try store.database.snapshot()
      let tree = try #require(try view.tree(named: "main"))
      let epochs = store.database.pager.pool.epochs
      let held = (0..<255).map { _ in epochs.enter() }
      let lengths = Guarded<[Int]>([])
      let wasDone = Guarded(false)
      try runThreads(2) { thread in
        if thread == 0 {
          var keys = KeyBatch()
          for key in ["a", "b", "c"] { keys.append(Array(key.utf8)) }
          try view.withValues(forKeys: keys, in: tree) { _, value in
            let count = value?.count ?? 0
            lengths.withLock { $0.append(count) }
          }
        } else {
          for _ in 0..<1000 where lengths.withLock({ $0.count }) < 3 { usleep(1000) }
          let count = lengths.withLock { $0.count }
          wasDone.withLock { $0 = count == 3 }
          for epoch in held { epochs.leave(epoch) }
        }
      }
      #expect(wasDone.withLock { $0 })
      #expect(lengths.withLock { $0 } == [1, 3000, 0])
      view.close()
    }
  }

  private func write(_ pager: Pager, birth: UInt64) throws -> PageReference {
    let none = PageReference(number: 0, checksum: 0)
    return try pager.writeChained(
      .value, number: try pager.takePageNumber(), birth: birth, payload: [1], next: none,
      buffer: pager.staging)
  }
}
