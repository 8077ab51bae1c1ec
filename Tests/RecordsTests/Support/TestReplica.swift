// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import StorageEngine
import Synchronization
import TestSupport
import Testing

/// A clock that stands still until it is told to go on.
final class TestClock: Sendable {
  private let time: Mutex<UInt64>

  init(_ milliseconds: UInt64 = 1_800_000_000_000) {
    time = Mutex(milliseconds)
  }

  var now: UInt64 { time.withLock { $0 } }

  func advance(by milliseconds: UInt64) {
    time.withLock { $0 += milliseconds }
  }

  func set(_ milliseconds: UInt64) {
    time.withLock { $0 = milliseconds }
  }
}

/// A record store on a simulated disk, with a clock and an identity that a seed decides.
final class TestReplica {
  private(set) var disk: SimulatedDisk
  private(set) var store: RecordStore
  let clock: TestClock
  let environment: Environment
  private let configuration: Configuration

  /// Creates a store; replicas of one data set are given the same store id.
  init(
    seed: UInt64, clock: TestClock = TestClock(), storeID: StoreID? = nil,
    on disk: SimulatedDisk = SimulatedDisk()
  ) throws {
    let generator = Mutex(SplitMix64(seed: seed))
    self.clock = clock
    environment = Environment(
      now: { clock.now }, randomBytes: { count in generator.withLock { $0.bytes(count) } })
    self.disk = disk
    configuration = .testing(scheduler: ManualScheduler())
    let database = try Database.create(on: disk, configuration: configuration)
    store = try RecordStore.create(in: database, environment: environment)
    if let storeID { try store.adopt(storeID) }
  }

  /// Opens the store that is on a disk already, as after a crash.
  init(opening disk: SimulatedDisk, clock: TestClock) throws {
    let generator = Mutex(SplitMix64(seed: 0))
    self.clock = clock
    environment = Environment(
      now: { clock.now }, randomBytes: { count in generator.withLock { $0.bytes(count) } })
    self.disk = disk
    configuration = .testing(scheduler: ManualScheduler())
    store = try RecordStore.open(
      in: Database.open(on: disk, configuration: configuration), environment: environment)
  }

  /// Closes the store and opens it again.
  func reopen() throws {
    try store.close()
    disk = disk.reopened()
    store = try RecordStore.open(
      in: Database.open(on: disk, configuration: configuration), environment: environment)
  }

  /// Every transaction in the journal, causes before effects.
  func transactions(since: VersionVector = VersionVector()) throws -> [EncodedTransaction] {
    var found: [EncodedTransaction] = []
    let cursor = try store.journal(since: since)
    while let transaction = try cursor.next() { found.append(transaction) }
    return found
  }

  /// The contents of every tree that replicas have in common.
  func trees() throws -> [String: [[UInt8]: [UInt8]]] {
    try store.read { view in
      var content: [String: [[UInt8]: [UInt8]]] = [:]
      for (name, tree) in try view.trees.trees() where name != StoreTree.meta {
        let cursor = try view.trees.cursor(in: tree)
        var entries: [[UInt8]: [UInt8]] = [:]
        while try cursor.next() { entries[cursor.key] = try cursor.value() }
        content[name] = entries
      }
      return content
    }
  }

  /// The whole store as text.
  func exported(_ collection: String? = nil, as format: ExportFormat = .jsonLines) throws -> String
  {
    var text: [UInt8] = []
    try store.read { view in _ = try view.export(collection, as: format, to: { text += $0 }) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Checks the file, the journal and every record, closed and opened again too.
  func finish(_ location: SourceLocation = #_sourceLocation) throws {
    for _ in 0..<2 {
      let report = try store.database.check()
      #expect(report.faults.isEmpty, sourceLocation: location)
      #expect(disk.violations.isEmpty, sourceLocation: location)
      try store.read { try Journal.open(in: $0.trees).verify(in: $0.trees) }
      try ReferenceModel(transactions()).expectEqual(to: self, location)
      try reopen()
    }
    try store.close()
  }
}

/// Runs `body` with a new replica and checks all of it afterwards.
func withReplica<R>(
  seed: UInt64 = TestEnvironment.seed, clock: TestClock = TestClock(),
  _ location: SourceLocation = #_sourceLocation, _ body: (TestReplica) throws -> R
) throws -> R {
  let replica = try TestReplica(seed: seed, clock: clock)
  let result = try body(replica)
  try replica.finish(location)
  return result
}

/// Runs `body` with replicas of one data set and checks all of them afterwards.
func withReplicas<R>(
  _ count: Int, seed: UInt64 = TestEnvironment.seed, clock: TestClock = TestClock(),
  _ location: SourceLocation = #_sourceLocation, _ body: ([TestReplica]) throws -> R
) throws -> R {
  let replicas = try (0..<count).map { number in
    try TestReplica(
      seed: seed &+ UInt64(number) &* 977, clock: clock, storeID: StoreID(high: 1, low: 2))
  }
  let result = try body(replicas)
  for replica in replicas { try replica.finish(location) }
  return result
}

extension RecordStore {
  /// Puts one record in a transaction of its own.
  @discardableResult
  func put(
    _ collection: String, _ key: RecordKey, _ fields: KeyValuePairs<String, Value>
  ) throws -> Bool {
    try write { try $0.put(collection, key, fields.map { StoredRecord.Field($0.key, $0.value) }) }
  }

  func get(_ collection: String, _ key: RecordKey) throws -> StoredRecord? {
    try read { try $0.get(collection, key) }
  }

  /// How many transactions are applied.
  func transactionCount() throws -> UInt64 {
    try appliedVector().entries.reduce(0) { $0 + $1.sequence }
  }
}

extension StoredRecord {
  /// The fields as a dictionary, for comparing.
  var values: [String: Value] {
    Dictionary(fields.map { ($0.name, $0.value) }) { _, last in last }
  }
}
