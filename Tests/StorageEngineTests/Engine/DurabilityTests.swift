// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import StorageEngine

/// What each level of durability promises, and costs.
struct DurabilityTests {
  private func count(_ disk: SimulatedDisk, _ variant: CrashVariant) throws -> UInt64 {
    let store = try TestStore(opening: disk.crashed(variant))
    let view = try store.database.snapshot()
    let count = try view.count(of: try #require(try view.tree(named: "main")))
    view.close()
    try store.checkTwiceAndClose()
    return count
  }

  private func put(_ store: TestStore, _ key: String, _ durability: Durability) throws {
    try store.commit([Workload.put("main", key, [1])], durability: durability)
  }

  @Test
  func `a synced commit costs one flush and survives a power cut`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")])
    for number in 0..<20 {
      let before = disk.flushes
      try put(store, "\(number)", .synced)
      #expect(disk.flushes == before + 1)
      #expect(try count(disk, .loseAll) == UInt64(number + 1))
    }
  }

  @Test
  func `a written commit is handed over without a flush`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")])
    let before = disk.flushes
    for number in 0..<20 {
      let calls = disk.mutations
      try put(store, "\(number)", .written)
      #expect(disk.mutations > calls)
      #expect(try count(disk, .keepAll) == UInt64(number + 1))
    }
    #expect(disk.flushes == before)
    #expect(try count(disk, .loseAll) == 0)
    try store.database.flush()
    #expect(disk.flushes == before + 1)
    #expect(try count(disk, .loseAll) == 20)
  }

  @Test
  func `a manual commit touches no disk until a later one is synced`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")])
    let before = disk.mutations
    for number in 0..<20 { try put(store, "\(number)", .manual) }
    #expect(disk.mutations == before)
    try put(store, "last", .synced)
    #expect(try count(disk, .loseAll) == 21)
  }

  @Test
  func `manual commits do not pile up in memory without end`() throws {
    let disk = SimulatedDisk()
    try withStore(on: disk) { store in
      try store.commit([.createTree("main")])
      var random = SplitMix64(seed: 1)
      var largest = 0
      for _ in 0..<200 {
        try store.commit(Workload.puts(30, of: 900...1000, &random), durability: .manual)
        let state = store.database.state
        let waiting = state.sealed.reduce(state.open.count) { $0 + $1.payload.count }
        largest = max(largest, waiting)
      }
      #expect((500_000..<2_000_000).contains(largest))
    }
  }

  @Test
  func `an interval commit becomes durable by itself`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")])
    let before = disk.flushes
    try put(store, "k", .interval(.milliseconds(1)))
    for _ in 0..<60_000 where disk.flushes == before { usleep(1000) }
    #expect(try count(disk, .loseAll) == 1)
    try put(store, "late", .interval(.seconds(3600)))
    try store.database.close()
    #expect(try count(disk, .loseAll) == 2)
  }

  @Test
  func `the configuration's level counts when a commit names none`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk) { $0.durability = .manual }
    let before = disk.mutations
    try store.commit([.createTree("main")])
    #expect(disk.mutations == before)
    try store.database.close()
    #expect(try count(disk, .loseAll) == 0)
  }

  @Test
  func `closing and checkpoints make everything durable`() throws {
    for closes in [true, false] {
      let disk = SimulatedDisk()
      let store = try TestStore(on: disk)
      try store.commit([.createTree("main")], durability: .manual)
      for number in 0..<10 { try put(store, "\(number)", number % 2 == 0 ? .manual : .written) }
      if closes { try store.database.close() } else { try store.database.checkpoint() }
      #expect(try count(disk, .loseAll) == 10)
    }
  }

  @Test(arguments: [Durability.manual, .written, .interval(.seconds(3600))])
  func `small commits that nobody flushes do not use up the memory`(
    _ durability: Durability
  ) throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      for number in 0..<3000 {
        try store.commit([Workload.put("main", "\(number)", [1])], durability: durability)
      }
      let view = try store.database.snapshot()
      #expect(try view.count(of: try #require(try view.tree(named: "main"))) == 3000)
      view.close()
    }
  }
}
