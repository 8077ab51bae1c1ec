// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import Records
import StorageEngine
import Synchronization
import TestSupport

/// The time of the simulated world, and how wrong a replica's clock is.
final class SimulatedClock: Sendable {
  private struct State {
    var now: UInt64
    var skew: Int64 = 0
  }

  private let state: Mutex<State>

  init(now: UInt64) {
    state = Mutex(State(now: now))
  }

  /// What the clock shows, in milliseconds since 1970.
  var reading: UInt64 {
    state.withLock { state in
      state.skew < 0
        ? state.now - min(state.now, state.skew.magnitude) : state.now + state.skew.magnitude
    }
  }

  func set(now: UInt64) {
    state.withLock { $0.now = now }
  }

  func set(skew: Int64) {
    state.withLock { $0.skew = skew }
  }
}

/// A replica on a simulated disk: it can be killed at any write, and knows what it must still have.
final class SimulatedReplica {
  let name: String
  let clock: SimulatedClock
  private(set) var disk: TestStore
  private(set) var store: RecordStore
  /// What some call has made durable.
  private var promisedApplied = VersionVector()
  private var promisedReceived = VersionVector()
  private(set) var kills = 0

  init(name: String, seed: UInt64, now: UInt64) throws {
    self.name = name
    clock = SimulatedClock(now: now)
    disk = try TestStore()
    store = try RecordStore.create(
      in: disk.database, environment: Self.environment(clock, seed: seed))
  }

  private static func environment(_ clock: SimulatedClock, seed: UInt64) -> Environment {
    let random = SharedRandom(seed: seed)
    return Environment(now: { clock.reading }, randomBytes: { random.bytes($0) })
  }

  /// Runs a call of the store.
  ///
  /// `nil` when the world stopped in the middle: then the replica is dead until `restart`.
  func perform<R>(_ body: (RecordStore) throws -> R) throws -> R? {
    do {
      let result = try body(store)
      try notePromises()
      return result
    } catch {
      if disk.disk.isStopped { return nil }
      throw error
    }
  }

  private func notePromises() throws {
    promisedApplied = try store.appliedVector()
    promisedReceived = try store.receivedVector()
  }

  /// Lets the world stop after a few more writes to the disk.
  func stopSoon(after mutations: Int) {
    disk.disk.stop(atMutation: disk.disk.mutations + mutations)
  }

  /// Takes back what `stopSoon` asked for.
  func keepRunning() {
    disk.disk.stop(atMutation: .max)
  }

  /// Opens what the disk holds after a power cut, and checks that nothing promised is lost.
  func restart(_ variant: CrashVariant, seed: UInt64) throws {
    kills += 1
    disk = try TestStore(opening: disk.disk.crashed(variant, seed: seed))
    store = try RecordStore.open(
      in: disk.database, environment: Self.environment(clock, seed: seed))
    let applied = try store.appliedVector()
    let received = try store.receivedVector()
    guard applied.dominates(promisedApplied), received.dominates(promisedReceived) else {
      throw TestFailure("\(name) has lost transactions in a crash (\(variant))")
    }
    try notePromises()
  }

  /// All transactions it has applied.
  func transactions() throws -> [EncodedTransaction] {
    let cursor = try store.journal(since: VersionVector())
    var all: [EncodedTransaction] = []
    while let transaction = try cursor.next() { all.append(transaction) }
    return all
  }

  /// The records that are seen, as `ReferenceModel.lines()` prints them.
  func lines() throws -> [String] {
    try store.read { view in
      var lines: [String] = []
      for collection in try view.collections() {
        var records = try view.records(in: collection)
        while let record = try records.next() {
          let fields = record.fields.map { "\($0.name)=\($0.value)" }.sorted()
          lines.append("\(collection) \(record.key): \(fields.joined(separator: " "))")
        }
      }
      return lines.sorted()
    }
  }

  /// Every byte of state that all replicas must agree on: records with their siblings and
  /// tombstones, and the journal.
  func stateBytes() throws -> [UInt8] {
    try store.read { view in
      var bytes: [UInt8] = []
      for (name, tree) in try view.trees.trees() where name != "meta" {
        bytes += Array("\(name)\n".utf8)
        let cursor = try view.trees.cursor(in: tree, range: .all, reversed: false)
        while try cursor.next() { bytes += cursor.key + [0] + (try cursor.value()) + [0] }
      }
      return bytes
    }
  }

  /// Compares what is seen with what the set of applied transactions means.
  func checkAgainstModel() throws {
    let expected = try ReferenceModel(try transactions()).lines()
    let seen = try lines()
    guard seen == expected else {
      let difference = seen.difference(from: expected).prefix(4)
      throw TestFailure("\(name) shows other records than its transactions mean: \(difference)")
    }
  }
}

/// Random bytes from a seed, for whoever asks.
final class SharedRandom: Sendable {
  private let state: Mutex<SplitMix64>

  init(seed: UInt64) {
    state = Mutex(SplitMix64(seed: seed))
  }

  func bytes(_ count: Int) -> [UInt8] {
    state.withLock { $0.bytes(count) }
  }
}
