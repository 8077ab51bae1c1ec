// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import TestSupport
import Testing

/// Section 8 of the scenarios of the Rust engine Persy: the log, crashes and failing disks.
///
/// Small versions of what the tests in `Crash`, `Log` and `Process` do at length.
struct JournalScenarios {
  /// Persy keeps the pages of its journal until every transaction that began in them has ended.
  ///
  /// Ours logs a transaction when it commits, so that one that stays open keeps no log.
  @Test(arguments: [false, true])
  func `Persy 58: log is used again, whatever transactions are open, in any order of their end`(
    _ firstEndsFirst: Bool
  ) throws {
    try withStore { store in
      let record = try store.database.makeRecord()
      var open = [try store.database.begin(), try store.database.begin()]
      var logBytes: [UInt64] = []
      for round in 0..<40 {
        for _ in 0..<4 {
          let content = [UInt8](repeating: UInt8(round), count: 60_000)
          try store.database.transact { try $0.update(record, to: content) }
        }
        if round == 5 { open.remove(at: firstEndsFirst ? 0 : 1).rollback() }
        try store.database.checkpoint()
        logBytes.append(try store.database.information().logBytes)
      }
      // Far less than the ten megabytes that were logged.
      #expect(logBytes[39] <= 4 << 20, "\(logBytes)")
      #expect(try open[0].read(record) == bytes("old"))
    }
  }

  @Test
  func `Persy 59: a commit of every sort of change is logged and replayed equal`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let store = try TestStore()
    let record = try store.database.makeRecord()
    let gone = try store.database.makeSegment("gone")
    let index = try store.database.makeIndex(.cluster)
    let large = random.bytes(200_000)
    let held = try store.database.transact { transaction in
      try transaction.update(record, to: random.bytes(6000))
      _ = try transaction.insert(large, into: record.segment)
      try transaction.delete(try transaction.insert([], into: record.segment))
      try transaction.dropSegment(gone)
      _ = try transaction.insert([1], into: try transaction.createSegment(named: "made"))
      try transaction.put(7, forKey: "key", in: index)
      _ = try transaction.createTree(named: "tree")
      return try store.database.begin(TransactionOptions(identifier: [9])).prepare()
    }
    let contents = try Contents(store.database)
    let disk = store.disk.crashed(.loseAll)
    let database = try Database.open(on: disk, configuration: store.configuration)
    #expect(try Contents(database) == contents)
    #expect(try database.inDoubtTransactions().map(\.identifier) == [[9]])
    #expect(try database.check().isIntact)
    try database.close()
    withExtendedLifetime(held) {}
  }

  @Test
  func `Persy 63: a log torn at any byte gives the last whole state`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let record = try store.database.makeRecord()
    let before = disk.image
    try store.database.transact { try $0.update(record, to: [UInt8](repeating: 7, count: 900)) }
    let after = disk.image
    let changed = (0..<Int(after.length / 4096)).filter {
      after.bytes(4096, at: UInt64($0) * 4096) != before.bytes(4096, at: UInt64($0) * 4096)
    }
    let start = UInt64(try #require(changed.first) * 4096)
    let length = (try #require(changed.last) + 1) * 4096 - Int(start)
    let old = before.bytes(length, at: start)
    let new = after.bytes(length, at: start)
    // From there on the group is whole: what follows of its blocks is as it was.
    let whole = try #require((0..<length).last { old[$0] != new[$0] }) + 1
    #expect(whole > 900)
    for written in 0...length {
      var image = before
      image.write(new[..<written], at: start)
      let torn = SimulatedDisk(image)
      let database = try Database.open(on: torn, configuration: store.configuration)
      let expected = written < whole ? bytes("old") : [UInt8](repeating: 7, count: 900)
      guard try database.committed(record) == expected else {
        throw TestFailure("\(written) of \(whole) bytes of the group were written")
      }
      torn.stop(atMutation: torn.mutations)
    }
  }

  @Test
  func `Persy 64: a power cut at any call keeps what was acknowledged, whole`() throws {
    let (verifier, disk) = try run()
    var report = FailureReport(.smallCommits)
    for point in points(disk, 150) {
      report.collect(point) {
        _ = try verifier.verify(
          disk.crashed(atMutation: point.call, point.variant, seed: point.seed), point)
      }
    }
    report.publish()
  }

  @Test
  func `Persy 65: power cuts during one recovery after another change nothing`() throws {
    let (verifier, disk) = try run()
    var random = SplitMix64(seed: TestEnvironment.seed)
    var report = FailureReport(.smallCommits)
    for point in points(disk, 40) {
      report.collect(point) {
        var image = disk.crashed(atMutation: point.call, point.variant, seed: point.seed).image
        var first: [Int]??
        for _ in 0..<4 {
          let recovering = SimulatedDisk(image, recordsHistory: true)
          let present = try verifier.verify(recovering, point)
          if let first, first != present {
            throw TestFailure("\(first as Any) became \(present as Any)")
          }
          first = present
          let call = random.below(recovering.mutations + 1)
          let variants = recovering.variants(atMutation: call)
          image =
            recovering.crashed(
              atMutation: call, variants[random.below(variants.count)], seed: random.next()
            ).image
        }
      }
    }
    report.publish()
  }

  private func points(_ disk: SimulatedDisk, _ limit: Int) -> [CrashPoint] {
    CrashPoint.all(on: disk, calls: 0..<(disk.mutations + 1), seeds: 1, limit: limit)
  }

  private func run() throws -> (CrashVerifier, SimulatedDisk) {
    let disk = SimulatedDisk(recordsHistory: true)
    let run = WorkloadRun(.smallCommits, on: disk)
    run.run()
    if let failure = run.failure { throw failure.error }
    defer { run.abandon() }
    return (
      CrashVerifier(workload: .smallCommits, transcripts: TranscriptVerifier(run.transcript)), disk
    )
  }

  @Test
  func `Persy 66: eight threads are killed and every acknowledged key is there, twice`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let all = (0..<8).map { ScriptedSeries($0, seed: 7) }
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      let database = try Database.create(at: path)
      try database.write { _ = try $0.createTree(named: ScriptedSeries.tree) }
      try database.close()
      var history = SeriesHistory(all)
      for round in 0..<TestEnvironment.count("RECORD_STORE_KILL_ROUNDS", quick: 4) {
        let acknowledged = try ProcessTests().writeAndKill(
          path, all, seed: 7, after: random.below(200), pause: UInt32(random.below(2000)))
        for opening in 1...2 {
          try history.verify(path, acknowledged, "round \(round), opening \(opening)")
        }
      }
    }
  }

  @Test(arguments: Fault.Applied.allCases)
  func `Persy 67: after a flush that failed nothing succeeds until the store is reopened`(
    _ applied: Fault.Applied
  ) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let record = try store.database.makeRecord()
    // A small commit is one call, which writes and flushes.
    disk.inject(Fault(call: disk.calls, kind: .system(errno: EIO), applied: applied))
    #expect(throws: TransactionError.self) {
      try store.database.transact { try $0.update(record, to: bytes("lost")) }
    }
    disk.inject(nil)
    for _ in 0..<3 {
      #expect(throws: TransactionError.self) {
        try store.database.transact { try $0.update(record, to: bytes("later")) }
      }
      #expect(try store.database.committed(record) == bytes("old"))
    }
    let reopened = try TestStore(opening: disk.crashed(.loseAll))
    #expect(try reopened.database.committed(record) == bytes("old"))
    try reopened.database.transact { try $0.update(record, to: bytes("later")) }
    try reopened.checkTwiceAndClose()
  }
}

/// Everything that is committed in a store.
struct Contents: Equatable {
  let trees: [String: [[UInt8]: [UInt8]]]

  init(_ database: Database) throws {
    trees = try database.read { view in
      var trees: [String: [[UInt8]: [UInt8]]] = [:]
      for (name, tree) in try view.trees() {
        let cursor = try view.cursor(in: tree)
        var entries: [[UInt8]: [UInt8]] = [:]
        while try cursor.next() { entries[cursor.key] = try cursor.value() }
        trees[name] = entries
      }
      return trees
    }
  }
}
