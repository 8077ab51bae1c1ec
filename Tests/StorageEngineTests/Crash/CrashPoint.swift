// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport

/// A power cut that can be repeated: at which call, and what became of the unflushed effects.
struct CrashPoint: Sendable, CustomStringConvertible {
  let call: Int
  let variant: CrashVariant
  let seed: UInt64

  var description: String { "call \(call), \(variant.rawValue), seed \(seed)" }

  /// Every variant at every call, with several seeds for those that are random.
  ///
  /// Where there are more than `limit`, all calls keep an equal share.
  static func all(
    on disk: SimulatedDisk, calls: Range<Int>, seeds: Int, limit: Int
  ) -> [CrashPoint] {
    var random = SplitMix64(seed: TestEnvironment.seed)
    var rounds: [[CrashPoint]] = []
    for call in calls {
      var points: [CrashPoint] = []
      for variant in disk.variants(atMutation: call) {
        for _ in 0..<(variant.isRandom ? seeds : 1) {
          points.append(CrashPoint(call: call, variant: variant, seed: random.next() >> 32))
        }
      }
      points.shuffle(using: &random)
      for (round, point) in points.enumerated() {
        if round == rounds.count { rounds.append([]) }
        rounds[round].append(point)
      }
    }
    for round in rounds.indices { rounds[round].shuffle(using: &random) }
    return Array(rounds.joined().prefix(limit))
  }
}

/// Opens the stores that power cuts leave, and compares them with what was promised.
struct CrashVerifier {
  let workload: Workload
  let transcripts: TranscriptVerifier

  /// Opens the store after a power cut and checks it.
  ///
  /// Returns the transactions it holds, or `nil` where the cut came before the store's creation had
  /// ended and nothing was promised.
  func verify(_ disk: SimulatedDisk, _ point: CrashPoint) throws -> [Int]? {
    let scheduler = ManualScheduler()
    let database: Database
    do {
      database = try open(disk, scheduler)
    } catch let error as EngineError {
      if let createdAt = transcripts.transcript.createdAt, createdAt <= point.call {
        throw TestFailure("the store does not open: \(error)")
      }
      return nil
    }
    let present = try transcripts.verify(try database.snapshot(), cutAt: point.call)
    try transcripts.verifySnapshots(of: database, cutAt: point.call)
    try check(database, disk)
    disk.stop(atMutation: disk.mutations)
    Tally.countCrashImage()
    return present
  }

  /// Commits once more after the power cut, cuts the power again and checks that this transaction
  /// is there beside those found before, and nothing else: no remains of the first life.
  func verifySecondLife(_ disk: SimulatedDisk, present: [Int], _ point: CrashPoint) throws {
    let scheduler = ManualScheduler()
    let number = transcripts.transcript.transactions.count
    // As long as what was cut off might have been: the new log then ends where old frames begin.
    var random = SplitMix64(seed: point.seed)
    let value = random.bytes(random.below(6000))
    var changes: [Change] = [Workload.put("main", "second life", value), Marks.mark(number)]
    do {
      let database = try open(disk, scheduler)
      if present.isEmpty, try database.snapshot().trees().isEmpty {
        changes.insert(contentsOf: [.createTree("main"), .createTree(Marks.tree)], at: 0)
      }
      try database.write { transaction in
        for change in changes { try change.apply(to: transaction) }
      }
      disk.stop(atMutation: disk.mutations)
    }
    let cut = disk.crashed(point.seed % 2 == 0 ? .loseAll : .keepAll)
    let database = try open(cut, scheduler)
    let reader = try database.snapshot()
    guard try Marks.present(in: reader) == present + [number] else {
      throw TestFailure(
        "after a second life the store holds \(try Marks.present(in: reader)) instead of "
          + "\(present + [number])")
    }
    try transcripts.verify(reader, holds: present, and: changes)
    try transcripts.verifySnapshots(of: database, cutAt: point.call)
    try check(database, cut)
    try transcripts.dropSnapshots(of: database)
    try transcripts.verify(reader, holds: present, and: changes)
    try check(database, cut)
    cut.stop(atMutation: cut.mutations)
    Tally.countCrashImage()
  }

  func open(_ disk: SimulatedDisk, _ scheduler: ManualScheduler) throws -> Database {
    try Database.open(on: disk, configuration: workload.configuration(scheduler: scheduler))
  }

  func check(_ database: Database, _ disk: SimulatedDisk) throws {
    let report = try database.check()
    if let fault = report.faults.first {
      throw TestFailure("check found \(report.faults.count) faults, first: \(fault)")
    }
    if let violation = disk.violations.first { throw TestFailure("misuse: \(violation)") }
  }
}
