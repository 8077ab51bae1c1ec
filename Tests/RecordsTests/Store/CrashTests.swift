// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import StorageEngine
import Synchronization
import TestSupport
import Testing

@Suite("Records, crashing")
struct CrashTests {
  private static let batch = 5

  private static func text(_ records: Range<Int>, version: Int) -> String {
    records.map { #"{"_key":\#($0),"v":\#(version),"t":"\#(String(repeating: "x", count: 200))"}"# }
      .joined(separator: "\n")
  }

  private static func run(
    _ text: String, into replica: TestReplica, acknowledged: (ImportProgress) -> Void
  ) throws {
    var options = ImportOptions(.jsonLines, collection: "c")
    options.batchRecords = batch
    _ = try replica.store.importRecords(
      from: ImportInput(name: "input", bytes: Array(text.utf8)), options
    ) { acknowledged($0) }
  }

  @Test func `after a power cut at any call of an import there are whole batches, none lost`()
    throws
  {
    let clock = TestClock()
    let disk = SimulatedDisk(recordsHistory: true)
    let replica = try TestReplica(seed: TestEnvironment.seed, clock: clock, on: disk)
    let begin = disk.mutations
    /// What was acknowledged by which call.
    var acknowledged: [(mutation: Int, records: UInt64)] = [(begin, 0)]
    try Self.run(Self.text(0..<40, version: 1), into: replica) {
      acknowledged.append((disk.mutations, $0.records))
    }
    try replica.store.checkpoint()
    let end = disk.mutations
    try replica.finish()
    let stride = TestEnvironment.count("RECORD_STORE_CRASH_STRIDE", quick: 3)
    for mutation in Swift.stride(from: begin, through: end, by: max(1, stride)) {
      for variant in disk.variants(atMutation: mutation) {
        let crashed = disk.crashed(atMutation: mutation, variant, seed: TestEnvironment.seed)
        let survivor = try TestReplica(opening: crashed, clock: clock)
        let count = try survivor.store.read { try $0.count(of: "c") }
        let least = acknowledged.last { $0.mutation <= mutation }?.records ?? 0
        #expect(
          count % UInt64(Self.batch) == 0 && count >= least,
          "call \(mutation), \(variant), seed \(TestEnvironment.seed): \(count) records")
        // State and journal agree, and writing goes on.
        try survivor.store.put("c", .text("after"), [:])
        try survivor.finish()
      }
    }
  }

  @Test func `a full disk stops an import with its reason, and keeps what was acknowledged`()
    throws
  {
    let clock = TestClock()
    let disk = SimulatedDisk()
    let replica = try TestReplica(seed: TestEnvironment.seed, clock: clock, on: disk)
    try Self.run(Self.text(0..<10, version: 1), into: replica) { _ in }
    let length = try disk.length()
    disk.setCapacity(length)
    var failure: ImportFailure?
    do {
      // Far more than fits into what the file has room for already.
      try Self.run(Self.text(0..<20_000, version: 2), into: replica) { _ in }
    } catch let error as ImportFailure {
      failure = error
    }
    let committed = try #require(failure).committed
    #expect(failure?.cause as? EngineError != nil, "\(String(describing: failure))")
    disk.setCapacity(1 << 40)
    try? replica.store.close()
    let again = try TestReplica(opening: disk.reopened(), clock: clock)
    let written = try again.store.read { view in
      var records = try view.records(in: "c")
      var count: UInt64 = 0
      while let record = try records.next() { count += record["v"] == .integer(2) ? 1 : 0 }
      return count
    }
    #expect(written >= committed.records && written % UInt64(Self.batch) == 0)
    let report = try again.store.database.check()
    #expect(report.faults.isEmpty)
    try again.store.close()
  }

  @Test func `a store whose creation was cut short opens as an empty one`() throws {
    let disk = SimulatedDisk()
    let configuration = Configuration.testing(scheduler: ManualScheduler())
    try Database.create(on: disk, configuration: configuration).close()
    let survivor = try TestReplica(opening: disk.reopened(), clock: TestClock())
    try survivor.store.put("c", .text("k"), [:])
    try survivor.finish()
  }

  @Test func `a database of something else is refused`() throws {
    let disk = SimulatedDisk()
    let configuration = Configuration.testing(scheduler: ManualScheduler())
    let database = try Database.create(on: disk, configuration: configuration)
    try database.write { _ = try $0.createTree(named: "other") }
    #expect(throws: RecordStoreError.self) { _ = try RecordStore.open(in: database) }
    #expect(throws: EngineError.self) { _ = try RecordStore.create(in: database) }
    let report = try database.check()
    #expect(report.faults.isEmpty)
    try database.close()
  }
}
