// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

@testable import DurableMemory

/// What maps take of the disk and of memory.
struct MapSpaceTests {
  /// A log that is soon folded, as the sizes here are small.
  private func frequently(_ configuration: inout Configuration) {
    configuration.checkpointBytes = 1 << 18
  }

  @Test
  func `a thousand keys overwritten two hundred times take a bounded disk (K76)`() throws {
    let disk = SimulatedDisk()
    try withMap(Int.self, [UInt8].self, on: disk, adjust: frequently) { fixture in
      let value = [UInt8](repeating: 1, count: 100)
      var lengths: [UInt64] = []
      for round in 0..<200 {
        for key in 0..<1000 { try fixture.map.set(key, value, durability: .manual) }
        fixture.store.scheduler.runAll()
        if round >= 100 { lengths.append(disk.image.length) }
      }
      // A store has a few MiB however little it holds; what matters is that it does not grow.
      let (least, most) = (lengths.min() ?? 0, lengths.max() ?? 0)
      #expect(most <= 8 << 20 && most - least <= 2 << 20, "\(least) to \(most)")
    }
  }

  @Test
  func `two hundred thousand sets take at most three times what is there (K77)`() throws {
    let disk = SimulatedDisk()
    try withMap(Int.self, [UInt8].self, on: disk, adjust: frequently) { fixture in
      let value = [UInt8](repeating: 1, count: 100)
      for key in 0..<200_000 {
        try fixture.map.set(key, value, durability: .manual)
        if key % 5000 == 0 { fixture.store.scheduler.runAll() }
      }
      let live = UInt64(try fixture.map.metrics().payloadBytes)
      #expect(live == 21_600_000)
      #expect(disk.image.length <= 3 * live, "\(disk.image.length)")
    }
  }

  @Test
  func `fifty short runs leave a bounded log (K78)`() throws {
    let disk = SimulatedDisk()
    try withMap(Int.self, [UInt8].self, on: disk) { fixture in
      var lengths: [UInt64] = []
      for round in 0..<50 {
        for step in 0..<500 {
          let key = (round * 500 + step) % 700
          try fixture.map.set(key, [UInt8](repeating: UInt8(round), count: 100))
        }
        try fixture.reopen()
        lengths.append(disk.image.length)
      }
      // What 25 runs needed is enough for 50, but for an extent by which the file comes and goes.
      let (early, late) = (lengths[..<25].max() ?? 0, lengths[25...].max() ?? 0)
      #expect(late <= early + (1 << 20) && late <= 16 << 20, "\(early), later \(late)")
    }
  }

  @Test(arguments: [20_000, 30_000, 50_000, 100_000, 160_000])
  func `memory is at most a quarter more than keys and values of a hundred bytes (K82)`(
    _ count: Int
  ) throws {
    let memory = MapMemory(seed: 1, expected: 0, clock: { 0 })
    memory.fill(0..<count, valueBytes: 100)
    let metrics = memory.metrics
    #expect(metrics.count == count && metrics.payloadBytes == count * 108)
    let overhead = Double(metrics.memoryBytes) / Double(metrics.payloadBytes)
    #expect(overhead <= 1.25, "\(overhead)")
  }

  @Test
  func `no set moves more than one small table (K79)`() {
    let memory = MapMemory(seed: TestEnvironment.seed, expected: 0, clock: { 0 })
    memory.fill(0..<300_000, valueBytes: 1)
    let tables = memory.directory.distinctTables
    #expect(tables.count > 64)
    #expect(tables.allSatisfy { $0.capacity <= SlotTable.largestCapacity + 1 })
  }

  @Test
  func `a map overwritten for ever does not grow, whatever lengths come and go (K76)`() throws {
    let memory = MapMemory(seed: 1, expected: 0, clock: { 0 })
    var random = SplitMix64(seed: TestEnvironment.seed)
    var most: [Int] = []
    for round in 0..<60 {
      // Lengths that move through all sizes.
      let longest = [10, 200, 3000, 40, 900, 9000][round % 6]
      for key in 0..<2000 { memory.set(key, [UInt8](repeating: 0, count: random.below(longest))) }
      for key in 0..<2000 where random.chance(1, in: 3) { memory.remove(key) }
      most.append(memory.metrics.memoryBytes)
    }
    let (early, late) = (most[..<30].max() ?? 0, most[30...].max() ?? 0)
    #expect(late <= early + early / 20, "\(early), later \(late)")
    #expect(memory.metrics.waitingCount < 128)
    memory.lock.withLock { memory.removeAll() }
    memory.lock.withLock { memory.reclaim() }
    #expect(memory.metrics.memoryBytes < 10 << 20 && memory.metrics.keyBytes == 0)
  }
}

/// The table and the allocator against plain models.
struct MapMemoryTests {
  @Test(arguments: 0..<6)
  func `random changes of the memory end as those of a dictionary (K74, K75)`(_ number: Int) throws
  {
    let seed = TestEnvironment.seed &+ UInt64(number)
    var random = SplitMix64(seed: seed)
    let memory = MapMemory(seed: seed, expected: [0, 10, 5000][number % 3], clock: { 0 })
    var model: [Int: [UInt8]] = [:]
    let keys = [50, 3000, 40_000][number / 2]
    for step in 0..<60_000 {
      let key = random.below(keys)
      if random.chance(2, in: 5) {
        memory.remove(key)
        model[key] = nil
      } else {
        let value = random.bytes(random.below(random.chance(1, in: 100) ? 20_000 : 40))
        memory.set(key, value)
        model[key] = value
      }
      if step % 20_000 == 0, step > 0 {
        memory.lock.withLock { memory.removeAll() }
        model = [:]
      }
    }
    for key in 0..<keys {
      guard memory.get(key) == model[key] else {
        throw TestFailure("RECORD_STORE_SEED=\(seed): \(key) is not what it should be")
      }
    }
    let metrics = memory.metrics
    #expect(metrics.count == model.count && metrics.keyBytes == 8 * model.count)
    #expect(metrics.valueBytes == model.values.reduce(0) { $0 + $1.count })
  }

  /// An empty slot has the same bits as no entry with a hash that ends in zeros.
  @Test(arguments: [0, 1 << 19, 1 << 63, .max] as [UInt64])
  func `removing what is not there changes nothing (K4)`(_ hash: UInt64) {
    let memory = MapMemory(seed: 1, expected: 0, clock: { 0 })
    memory.set(1, [1])
    memory.lock.withLock { memory.remove(.none, hash) }
    let stored = [0, 1] as [UInt8]
    memory.lock.withLock {
      // An entry that is in no table: its hash leads to a slot that is empty, or to that of another.
      let absent = memory.makeEntry(key: stored.span, value: stored.span)
      memory.remove(absent, hash)
      memory.discard(absent)
    }
    #expect(memory.metrics.count == 1 && memory.get(1) == [1])
    #expect(memory.metrics.keyBytes == 8 && memory.metrics.waitingCount == 0)
  }

  @Test
  func `every size has a class that holds it and wastes little (K82)`() {
    for bytes in 10...SizeClass.largestBytes {
      let size = SizeClass(bytes: bytes)
      #expect(size.bytes >= bytes && size.bytes - bytes <= max(7, bytes / 8))
      #expect(size.number < SizeClass.count && size.bytes % 8 == 0)
    }
  }

  @Test
  func `places that were given back are used again, and never two at once (K82)`() {
    var random = SplitMix64(seed: TestEnvironment.seed)
    var allocator = EntryAllocator()
    var taken: [(entry: Entry, bytes: Int)] = []
    for _ in 0..<40_000 {
      if taken.count > 500 || random.chance(1, in: 3), !taken.isEmpty {
        let (entry, bytes) = taken.remove(at: random.below(taken.count))
        allocator.giveBack(entry, bytes)
      } else {
        let bytes = 10 + random.below(random.chance(1, in: 20) ? 12_000 : 300)
        taken.append((allocator.take(bytes), bytes))
      }
    }
    let sorted = taken.sorted { $0.entry.address < $1.entry.address }
    for (first, second) in zip(sorted, sorted.dropFirst()) {
      #expect(first.entry.address + UInt(first.bytes) <= second.entry.address)
    }
    #expect(sorted.allSatisfy { $0.entry.address % 8 == 0 })
    #expect(allocator.byteCount < 32 << 20)
    for (entry, bytes) in taken { allocator.giveBack(entry, bytes) }
    allocator.freeAll()
    #expect(allocator.byteCount == 0)
    allocator.giveBack(allocator.take(20_000), 20_000)
    allocator.freeAll()
  }
}

extension MapMemory {
  func fill(_ keys: Range<Int>, valueBytes: Int) {
    let value = [UInt8](repeating: 0, count: valueBytes)
    for key in keys { set(key, value) }
  }

  func set(_ key: Int, _ value: [UInt8]) {
    let stored = [0] + value
    let value = stored.span
    with(key) { key, plain in
      let hash = hash(plain)
      publish(makeEntry(key: key, value: value), hash, replacing: entry(plain, hash))
    }
  }

  func remove(_ key: Int) {
    with(key) { _, plain in
      let hash = hash(plain)
      let old = entry(plain, hash)
      if old.exists { remove(old, hash) }
    }
  }

  func get(_ key: Int) -> [UInt8]? {
    key.withDurableBytes { key in
      let found = find(key)
      defer { leave(found.line) }
      return found.exists ? found.lend { Array(copying: $0) } : nil
    }
  }

  private func with(_ key: Int, _ body: (Span<UInt8>, Span<UInt8>) -> Void) {
    let stored = [0] + key.withDurableBytes { Array(copying: $0) }
    let bytes = stored.span
    lock.withLock { body(bytes, bytes.extracting(1..<bytes.count)) }
  }
}
