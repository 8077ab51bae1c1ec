// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Glibc
import Records
import StorageEngine
import Synchronization
import TestSupport
import Testing

/// A record store on a simulated disk, whose name and bytes follow from a seed, so that tests on
/// real sockets repeat what they write.
final class NetworkReplica {
  /// The time at which everything happens: clocks are not what these tests are about.
  static let now: UInt64 = 1_900_000_000_000
  static let storeID = StoreID(high: 0xC0FFEE, low: 1)

  private(set) var store: RecordStore
  private var disk: TestStore
  private let environment: Environment

  /// Creates a replica of a data set, or of one of its own.
  init(seed: UInt64, storeID: StoreID? = NetworkReplica.storeID) throws {
    let random = Guarded(SplitMix64(seed: seed))
    environment = Environment(
      now: { Self.now }, randomBytes: { count in random.withLock { $0.bytes(count) } })
    disk = try TestStore()
    store = try RecordStore.create(in: disk.database, environment: environment)
    if let storeID { try store.adopt(storeID) }
  }

  /// Cuts the power and opens what the disk holds then.
  func losePower(_ variant: CrashVariant, seed: UInt64) throws {
    disk = try TestStore(opening: disk.disk.crashed(variant, seed: seed))
    store = try RecordStore.open(in: disk.database, environment: environment)
    disk.scheduler.runAll()
  }

  /// Opens the store anew, so that nothing of it is in memory, and lets no read succeed after so many
  /// more calls; `nil` lets all succeed again.
  func failReads(after count: Int?) throws {
    disk.disk.inject(nil)
    guard let count else { return }
    try losePower(.keepAll, seed: 0)
    disk.disk.inject(
      Fault(call: disk.disk.calls + count, kind: .system(errno: EIO), lasts: true))
  }

  /// Writes so many transactions of one record each, with values that cannot be compressed.
  func write(_ count: Int, bytes: Int, _ random: inout SplitMix64) throws {
    for _ in 0..<count {
      try store.write { transaction in
        try transaction.patch(
          "files", .integer(Int64(random.below(1000))),
          [FieldChange(field: "content", value: .bytes(random.bytes(bytes)))])
      }
    }
  }

  /// Everything applied, causes before effects.
  func transactions() throws -> [EncodedTransaction] {
    let cursor = try store.journal()
    var all: [EncodedTransaction] = []
    while let transaction = try cursor.next() { all.append(transaction) }
    return all
  }

  /// Every record as text.
  func exported() throws -> [UInt8] {
    var text: [UInt8] = []
    try store.read { view in _ = try view.export(as: .jsonLines, to: { text += $0 }) }
    return text
  }

  /// How many transactions are applied or held.
  func transactionCount() throws -> UInt64 { try store.transactionCount() }

  /// Checks every page, every record and the chain of every origin.
  func check() throws {
    try disk.check()
    try store.read { try Journal.open(in: $0.trees).verify(in: $0.trees) }
  }
}

extension RecordStore {
  /// How many transactions are applied or held.
  func transactionCount() throws -> UInt64 {
    try receivedVector().entries.reduce(0) { $0 + $1.sequence }
  }
}

/// A journal stream in memory.
enum JournalStream {
  /// All frames of a stream, one by one.
  static func frames(
    _ transactions: [EncodedTransaction], storeID: StoreID = NetworkReplica.storeID,
    since: VersionVector = VersionVector()
  ) throws -> [[UInt8]] {
    var options = JournalWriter.Options()
    options.batchBytes = 64 << 10
    var writer = try JournalWriter(
      JournalStreamHeader(storeID: storeID, since: since), options: options)
    var frames: [[UInt8]] = []
    for transaction in transactions { try writer.append(transaction) }
    try writer.finish()
    while let frame = try writer.nextFrame() { frames.append(frame) }
    return frames
  }

  static func bytes(
    _ transactions: [EncodedTransaction], storeID: StoreID = NetworkReplica.storeID,
    since: VersionVector = VersionVector()
  ) throws -> [UInt8] {
    try frames(transactions, storeID: storeID, since: since).flatMap { $0 }
  }
}
