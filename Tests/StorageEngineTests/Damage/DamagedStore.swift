// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport

/// A small store to be damaged, and what it holds.
struct DamageSubject: Sendable {
  static let blockBytes = 4096

  let name: String
  let workload: Workload
  /// The store's bytes, and those it had at several times before.
  let image: DiskImage
  let earlier: [DiskImage]
  let transcripts: TranscriptVerifier
  /// How many of the last transactions may be missing without a complaint: the end of the log
  /// looks the same whether its last group was damaged or never flushed.
  let mayLose: Int

  /// A store that was closed in good order: everything is in its pages.
  static func closed() throws -> DamageSubject {
    try make("closed store", lastSteps: [.checkpoint], closes: true, mayLose: 0)
  }

  /// A store whose last transactions are only in its log.
  static func logged() throws -> DamageSubject {
    let last = (0..<6).map { number -> Step in
      .commit([Workload.put("main", "logged \(number)", [UInt8(number)])])
    }
    return try make("store with a log", lastSteps: last, closes: false, mayLose: 1)
  }

  private static func make(
    _ name: String, lastSteps: [Step], closes: Bool, mayLose: Int
  ) throws -> DamageSubject {
    var random = SplitMix64(seed: 99)
    let first: [Step] = [
      .commit((0..<120).map { Workload.put("main", Workload.key(0, $0), random.bytes(60)) }),
      .commit([
        .createTree("second"), Workload.put("second", "large", random.bytes(40_000)),
        Workload.put("second", "in runs", random.bytes(66_000)),
      ]),
      .checkpoint,
      .commit((0..<60).map { Workload.put("main", Workload.key(0, $0), random.bytes(50)) }),
      .checkpoint,
    ]
    let second: [Step] = [
      .commit((0..<20).map { Workload.delete("main", Workload.key(0, $0 * 3)) }),
      .commit([.createTree("third"), Workload.put("third", "k", random.bytes(300))]),
      .checkpoint,
    ]
    let workload = Workload(name: name, steps: first + second + lastSteps)
    let disk = SimulatedDisk(recordsHistory: true)
    let run = WorkloadRun(workload, on: disk)
    run.run()
    if let failure = run.failure { throw failure.error }
    if closes { try run.database?.close() }
    let calls = disk.mutations
    let images = stride(from: 0, to: calls, by: max(1, calls / 12)).map {
      disk.crashed(atMutation: $0, .keepAll).image
    }
    let image = disk.image
    run.abandon()
    return DamageSubject(
      name: name, workload: workload, image: image, earlier: images,
      transcripts: TranscriptVerifier(run.transcript), mayLose: mayLose)
  }

  /// Places of the blocks that hold anything.
  var usedBlocks: [UInt64] {
    stride(from: 0, to: image.length, by: Self.blockBytes).filter {
      !image.isZero(Int(min(UInt64(Self.blockBytes), image.length - $0)), at: $0)
    }
  }
}

/// What became of some damage.
enum DamageOutcome: String, Hashable {
  /// The store does not open.
  case refused
  /// A read reports it.
  case reported
  /// All data are right, and only the integrity check reports it.
  case foundByCheck
  /// All data are right and nothing is reported.
  case harmless
}

extension DamageSubject {
  /// Opens a damaged image and reads everything.
  ///
  /// Throws unless the damage is detected or harmless: wrong data, a missing transaction, a report
  /// of something else than damage, or an integrity check that does not see what a read saw.
  func probe(_ damaged: DiskImage, mayLose: Int? = nil) throws -> DamageOutcome {
    let disk = SimulatedDisk(damaged)
    defer { disk.stop(atMutation: disk.mutations) }
    let configuration = workload.configuration(scheduler: ManualScheduler())
    let opened = try detecting { try Database.open(on: disk, configuration: configuration) }
    guard let database = opened else { return .refused }
    let isRight = try detecting {
      let reader = try database.snapshot()
      let present = try Marks.present(in: reader)
      let expected = transcripts.transcript.transactions.count
      guard present == Array(0..<present.count), present.count <= expected,
        present.count >= expected - (mayLose ?? self.mayLose)
      else { throw TestFailure("\(present.count) of \(expected) transactions, without a word") }
      try transcripts.verify(reader, holds: present)
      return true
    }
    let faults = try detecting { try database.check().faults }
    let checkFindsIt = faults?.isEmpty != true
    if isRight == nil, !checkFindsIt {
      throw TestFailure("a read reports damage, but the integrity check finds none")
    }
    try write(to: database)
    return isRight == nil ? .reported : checkFindsIt ? .foundByCheck : .harmless
  }

  /// Writing to a damaged store may fail, but only with a typed error.
  private func write(to database: Database) throws {
    _ = try detecting {
      try database.write { transaction in
        try Workload.put("main", Workload.key(0, 7), [1]).apply(to: transaction)
      }
      try database.checkpoint()
    }
  }

  /// Runs `body`; `nil` if it reports damage.
  ///
  /// Any other error is passed on.
  private func detecting<Result>(_ body: () throws -> Result) throws -> Result? {
    do {
      return try body()
    } catch EngineError.corrupt {
      return nil
    } catch EngineError.poisoned {
      return nil
    }
  }
}
