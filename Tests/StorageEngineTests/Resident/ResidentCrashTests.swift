// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Power cuts at every call while resident trees change, are folded and moved: the store holds
/// exactly a first part of what was done, with all of it that was acknowledged.
///
/// `RECORD_STORE_CRASH_IMAGES` sets how many stores are opened for each workload.
struct ResidentCrashTests {
  static let seeds = (0..<4).map { TestEnvironment.seed &+ $0 }

  @Test(arguments: seeds)
  func `a power cut at any call keeps a first part of the changes of resident trees`(
    _ seed: UInt64
  ) throws {
    let disk = SimulatedDisk(recordsHistory: true)
    var run = try ResidentRun(on: disk, seed: seed)
    try run.steps(120)
    let limit = TestEnvironment.count("RECORD_STORE_CRASH_IMAGES", quick: 1500)
    let points = CrashPoint.all(on: disk, calls: run.start..<disk.mutations, seeds: 2, limit: limit)
    #expect(points.count > 500 || limit < 500)
    for point in points {
      let cut = disk.crashed(atMutation: point.call, point.variant, seed: point.seed)
      try verify(cut, point, run)
    }
  }

  @Test(arguments: seeds)
  func `a power cut that also takes the newest superblock keeps what was acknowledged of them`(
    _ seed: UInt64
  ) throws {
    let disk = SimulatedDisk(recordsHistory: true)
    var run = try ResidentRun(on: disk, seed: seed)
    // Before, there may be but one superblock.
    try run.steps(10)
    let first = disk.mutations
    try run.steps(90)
    let step = max(1, 400 / TestEnvironment.count("RECORD_STORE_CRASH_IMAGES", quick: 1500))
    for call in stride(from: first, to: disk.mutations, by: step) {
      let point = CrashPoint(call: call, variant: .keepAll, seed: UInt64(call))
      var image = disk.crashed(atMutation: call, .keepAll, seed: point.seed).image
      image.zero(4096, at: image.newestSuperblock)
      try verify(SimulatedDisk(image), point, run)
    }
  }

  private func verify(_ cut: SimulatedDisk, _ point: CrashPoint, _ run: ResidentRun) throws {
    do {
      try run.verify(cut, point.call)
    } catch {
      throw TestFailure("\(point): \(error)")
    }
  }
}

/// Random changes of two resident trees and an ordinary one, and what they held after each.
struct ResidentRun {
  typealias State = [String: ResidentDictionary.Entries]

  static let names = ["first", "second", "pages"]

  let store: TestStore
  /// The call of the disk with which the changes begin.
  let start: Int
  private let pairs: [ResidentPair]
  private var random: SplitMix64
  /// After each step; the first before all.
  private var states: [State]
  /// What was acknowledged as durable: how many steps, and after how many calls of the disk.
  private var acknowledged: [(steps: Int, call: Int)] = []

  init(on disk: SimulatedDisk, seed: UInt64) throws {
    store = try TestStore(on: disk) {
      $0.checkpointBytes = 1 << 16
      $0.foldedAtOnce = 4
      $0.mostLeftToFold = 6
    }
    let database = store.database
    pairs = try Self.names.prefix(2).map { try ResidentPair(named: $0, in: database) }
    try store.commit([.createTree("pages")])
    start = disk.mutations
    random = SplitMix64(seed: seed)
    states = [["first": [:], "second": [:], "pages": [:]]]
  }

  mutating func steps(_ count: Int) throws {
    for _ in 0..<count { try step() }
  }

  private mutating func step() throws {
    var state = states[states.count - 1]
    var lsn: UInt64 = 0
    switch random.below(12) {
    case 0..<5:
      for _ in 0..<8 { lsn = try change(&state) }
    case 5: lsn = try batch(&state)
    case 6: lsn = try mixed(&state)
    case 7: try store.database.checkpoint()
    case 8: store.scheduler.runAll()
    case 9: try changeName()
    case 10: lsn = try mixed(&state, valueBytes: 70_000)
    default: _ = try store.database.compact()
    }
    states.append(state)
    if lsn > 0 {
      let isSynced = random.below(4) == 0
      try store.database.settleResident(lsn, isSynced ? .synced : .manual)
      if !isSynced { return }
    } else {
      try store.database.flush()
    }
    acknowledged.append((states.count - 1, store.disk.mutations))
  }

  /// Puts or deletes one key; of a step with several only the end counts, so each is a state.
  private mutating func change(_ state: inout State) throws -> UInt64 {
    let (pair, name, key, value) = pick()
    state[name]?[key] = value
    states.append(state)
    if let value { return try pair.put(key, value) }
    return try pair.delete(key)
  }

  private mutating func batch(_ state: inout State) throws -> UInt64 {
    var batch = ResidentBatch()
    var changes: [(ResidentPair, [UInt8], [UInt8]?)] = []
    for _ in 0..<6 {
      let (pair, name, key, value) = pick()
      state[name]?[key] = value
      changes.append((pair, key, value))
      let keySpan = key.span
      if let value {
        let valueSpan = value.span
        try batch.put(keySpan, valueSpan, in: pair.tree)
      } else {
        try batch.delete(keySpan, in: pair.tree)
      }
    }
    return try store.database.commit(batch) {
      for (pair, key, value) in changes { pair.owner.set(key, value) }
    }
  }

  /// Keeps the state under a name, or gives one up; what is named is to be whole.
  private mutating func changeName() throws {
    let names = try store.database.namedSnapshots().map(\.name)
    if names.count < 3 {
      try store.database.createSnapshot(named: "state \(states.count)")
    } else {
      try store.database.dropSnapshot(named: names[random.below(names.count)])
    }
  }

  private mutating func mixed(
    _ state: inout State, valueBytes: Int = 0
  ) throws -> UInt64 {
    var changes: [(ResidentPair, [UInt8], [UInt8]?)] = []
    for _ in 0..<3 {
      let (pair, name, key, short) = pick()
      let value = valueBytes > 0 ? random.bytes(valueBytes) : short
      state[name]?[key] = value
      changes.append((pair, key, value))
    }
    let number = [UInt8(random.below(200))]
    state["pages"]?[number] = number
    let (_, commit) = try store.database.writeWithoutWaiting(durability: .manual) { transaction in
      for (pair, key, value) in changes {
        if let value {
          try transaction.put(value, forKey: key, in: pair.tree.tree)
        } else {
          try transaction.delete(key, in: pair.tree.tree)
        }
      }
      let pages = try #require(try transaction.tree(named: "pages"))
      try transaction.put(number, forKey: number, in: pages)
    }
    return commit.lsn
  }

  private mutating func pick() -> (ResidentPair, String, [UInt8], [UInt8]?) {
    let index = random.below(2)
    let key = [UInt8(random.below(3)), UInt8(random.below(100))]
    let value = random.below(4) == 0 ? nil : random.bytes(random.below(900))
    return (pairs[index], Self.names[index], key, value)
  }

  /// Opens what a power cut has left, and compares.
  func verify(_ disk: SimulatedDisk, _ call: Int) throws {
    let copy = try TestStore(opening: disk)
    var found: State = [:]
    for name in Self.names { found[name] = try ResidentPair.pages(of: name, in: copy.database) }
    let least = acknowledged.last { $0.call <= call }?.steps ?? 0
    guard states[least...].contains(found) else {
      let early = states[..<least].lastIndex(of: found)
      throw TestFailure(
        "holds \(early.map { "state \($0)" } ?? "no state there was"), not \(least) or later")
    }
    try copy.check()
    for name in try copy.database.namedSnapshots().map(\.name) {
      let view = try copy.database.snapshot(named: name)
      defer { view.close() }
      try verifyNamed(view)
    }
    disk.stop(atMutation: disk.mutations)
    Tally.countCrashImage()
  }

  /// A state that was kept under a name is one that there was.
  private func verifyNamed(_ view: Snapshot) throws {
    var found: State = [:]
    for name in Self.names { found[name] = try ResidentPair.pages(of: name, in: view) }
    guard states.contains(found) else {
      throw TestFailure("a named snapshot holds no state there was")
    }
  }
}
