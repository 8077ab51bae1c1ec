// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Power cuts at every call to the disk.
///
/// RECORD_STORE_MAP_CUTS is how many calls of each run are tried.
struct MapCrashTests {
  static let cuts = TestEnvironment.count("RECORD_STORE_MAP_CUTS", quick: 40)

  @Test(arguments: 0..<3)
  func `after a power cut at any call the map is one of the states it went through (K64, K65, K88)`(
    _ number: Int
  ) throws {
    let seed = TestEnvironment.seed &+ UInt64(number)
    let run = try MapRun(seed: seed, steps: 60)
    var random = SplitMix64(seed: seed)
    let all = run.firstCut...run.lastCut
    let chosen =
      all.count <= Self.cuts
      ? Array(all) : (0..<Self.cuts).map { _ in all.randomElement(using: &random) ?? 0 }
    for cut in chosen {
      for variant in run.disk.variants(atMutation: cut) {
        do {
          try run.verify(cut, variant, seed: random.next())
        } catch {
          throw TestFailure("RECORD_STORE_SEED=\(seed), cut \(cut), \(variant): \(error)")
        }
        Tally.countCrashImage()
      }
    }
  }

  @Test
  func `a power cut during recovery leaves what recovery began with (K66)`() throws {
    let seed = TestEnvironment.seed
    let run = try MapRun(seed: seed, steps: 40)
    let cut = run.lastCut
    let whole = try run.open(run.disk.crashed(atMutation: cut, .keepAll))
    let recovering = run.disk.crashed(atMutation: cut, .keepAll, recordsHistory: true)
    _ = try run.open(recovering)
    for call in 0...recovering.mutations {
      for variant in recovering.variants(atMutation: call) {
        let state = try run.open(recovering.crashed(atMutation: call, variant, seed: seed))
        guard state == whole else { throw TestFailure("seed \(seed), call \(call), \(variant)") }
        Tally.countCrashImage()
      }
    }
  }

  @Test
  func `everything before a flush survives a power cut (K93)`() throws {
    let disk = SimulatedDisk(recordsHistory: true)
    let store = try TestStore(on: disk)
    let map = try DurableMap<Int, Int>(named: "map", in: store.database)
    for key in 0..<500 { try map.set(key, key, durability: .manual) }
    try map.flush()
    for variant in disk.variants() {
      let cut = try TestStore(opening: disk.crashed(variant, seed: TestEnvironment.seed))
      let again = try DurableMap<Int, Int>(named: "map", in: cut.database)
      #expect(try Set(again.keys()) == Set(0..<500))
      again.close()
      try cut.checkTwiceAndClose()
    }
    map.close()
    try store.checkTwiceAndClose()
  }

  @Test
  func `what waits for an interval is lost at most for that long (K94)`() throws {
    let disk = SimulatedDisk(recordsHistory: true)
    let store = try TestStore(on: disk)
    let map = try DurableMap<Int, Int>(named: "map", in: store.database)
    // The shorter one counts, whichever comes first.
    for (number, intervals) in [[3_600_000, 1], [1, 3_600_000], [1, 2]].enumerated() {
      for (index, interval) in intervals.enumerated() {
        try map.set(2 * number + index, 1, durability: .interval(.milliseconds(interval)))
      }
      // The timer flushes by itself; nothing else does. The machine may be busy.
      let end = ContinuousClock.now + .seconds(20)
      var isThere = false
      while !isThere, ContinuousClock.now < end {
        let cut = try TestStore(opening: disk.crashed(.loseAll))
        let again = try DurableMap<Int, Int>(named: "map", in: cut.database)
        isThere = try again.get(2 * number) == 1
        again.close()
        try cut.checkTwiceAndClose()
      }
      #expect(isThere, "\(intervals)")
      try map.flush()
    }
    map.close()
    try store.checkTwiceAndClose()
  }

  @Test
  func `eight threads that wait for the disk share flushes (K95, K80)`() throws {
    let disk = SimulatedDisk()
    try withMap(Int.self, Int.self, on: disk) { fixture in
      let map = fixture.map
      disk.setFlushDelay(microseconds: 2000)
      let before = disk.mutations
      try runThreads(8) { thread in
        for step in 0..<50 { try map.set(thread * 50 + step, step) }
      }
      disk.setFlushDelay(microseconds: 0)
      let writes = disk.mutations - before
      #expect(writes < 400 / 2, "\(writes) writes for 400 commits")
    }
  }
}

/// A random run of two maps on a disk that remembers all, and the states it went through.
final class MapRun {
  typealias State = [String: [[UInt8]: [UInt8]]]

  let disk = SimulatedDisk(recordsHistory: true)
  private let configuration: Configuration
  /// States, when each was begun and acknowledged as durable, in calls to the disk.
  private var states: [(state: State, begun: Int, durable: Int)] = []

  var firstCut: Int { states[0].durable }
  let lastCut: Int

  init(seed: UInt64, steps: Int) throws {
    var random = SplitMix64(seed: seed)
    let store = try TestStore(on: disk)
    configuration = store.configuration
    let maps = try ["a", "b"].map {
      try DurableMap<[UInt8], [UInt8]>(named: $0, in: store.database)
    }
    var states: [(State, Int, Int)] = [(["a": [:], "b": [:]], 0, disk.mutations)]
    for _ in 0..<steps {
      var state = states[states.count - 1].0
      let begun = disk.mutations
      let isDurable = try Self.step(maps, store, &state, &random)
      states.append((state, begun, isDurable ? disk.mutations : .max))
      if random.chance(1, in: 12) { try store.database.checkpoint() }
    }
    lastCut = disk.mutations
    self.states = states.map { ($0.0, $0.1, $0.2) }
    for map in maps { map.close() }
    try store.checkTwiceAndClose()
  }

  /// Makes a change; whether it is durable.
  private static func step(
    _ maps: [DurableMap<[UInt8], [UInt8]>], _ store: TestStore, _ state: inout State,
    _ random: inout SplitMix64
  ) throws -> Bool {
    let map = maps[random.below(2)]
    let durability: Durability = random.chance(1, in: 3) ? .manual : .synced
    let key = key(&random)
    let value = random.bytes(random.chance(1, in: 6) ? random.below(200_000) : random.below(80))
    switch random.below(10) {
    case 0, 1:
      state[map.name]?[key] = nil
      // Where there was nothing, nothing is waited for.
      guard try map.unset(key, durability: durability) else { return false }
    case 2, 3:
      var batch = DurableBatch()
      for map in maps {
        try batch.set(key, value, in: map)
        state[map.name]?[key] = value
      }
      let other = Self.key(&random)
      if other != key {
        try batch.unset(other, in: map)
        state[map.name]?[other] = nil
      }
      try batch.commit(durability: durability)
    case 4:
      try store.database.write(durability: durability) { transaction in
        for map in maps { try map.set(key, value, in: transaction) }
      }
      for map in maps { state[map.name]?[key] = value }
    case 5 where random.chance(1, in: 4):
      try map.clear(durability: durability)
      state[map.name] = [:]
    default:
      try map.set(key, value, durability: durability)
      state[map.name]?[key] = value
    }
    return durability == .synced
  }

  private static func key(_ random: inout SplitMix64) -> [UInt8] {
    let number = random.below(12)
    // Some are too long for a key of a tree.
    return [UInt8](repeating: UInt8(number), count: number % 4 == 0 ? 1100 + number : number)
  }

  /// Opens the disk as a cut left it; the state must be one that was under way or later than what
  /// was durable.
  func verify(_ cut: Int, _ variant: CrashVariant, seed: UInt64) throws {
    let found = try open(disk.crashed(atMutation: cut, variant, seed: seed))
    let least = states.lastIndex { $0.durable <= cut } ?? 0
    let most = states.lastIndex { $0.begun <= cut } ?? 0
    guard (least...most).contains(where: { states[$0].state == found }) else {
      let place = states.firstIndex { $0.state == found }.map { "state \($0)" } ?? "no state"
      throw TestFailure("found \(place) instead of one of \(least)...\(most)")
    }
  }

  /// Opens both maps, checks the store, and writes to it.
  func open(_ disk: SimulatedDisk) throws -> State {
    let store = try TestStore(opening: disk, configuration: configuration)
    var state: State = [:]
    for name in ["a", "b"] {
      let map = try DurableMap<[UInt8], [UInt8]>(named: name, in: store.database)
      state[name] = try map.contents()
      map.close()
    }
    try store.check()
    try store.database.close()
    return state
  }
}
