// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Power cuts at every call that changes the disk, in every variant, also during recovery.
///
/// RECORD_STORE_CRASH_IMAGES limits the images of each workload, RECORD_STORE_CRASH_SEEDS is the
/// number of seeds for each random variant, RECORD_STORE_SMALL_WORKLOADS the number of short random
/// workloads, RECORD_STORE_SEED changes them.
struct CrashTests {
  static let images = TestEnvironment.count("RECORD_STORE_CRASH_IMAGES", quick: 1500)
  static let seeds = TestEnvironment.count("RECORD_STORE_CRASH_SEEDS", quick: 2)
  static let smallWorkloads = TestEnvironment.count("RECORD_STORE_SMALL_WORKLOADS", quick: 24)
  static let randomWorkloads = TestEnvironment.count("RECORD_STORE_CRASH_WORKLOADS", quick: 4)

  @Test(arguments: Workload.all)
  func `a power cut at any call keeps exactly what was acknowledged`(_ workload: Workload) throws {
    try enumerate(workload)
  }

  @Test(arguments: 0..<randomWorkloads)
  func `a power cut at any call of a random workload keeps exactly what was acknowledged`(
    _ number: Int
  ) throws {
    try enumerate(.random(seed: TestEnvironment.seed &+ UInt64(number)))
  }

  @Test(arguments: Workload.all)
  func `a power cut at any call of a recovery changes nothing`(_ workload: Workload) throws {
    try enumerateRecoveries(workload)
  }

  @Test(arguments: 0..<4)
  func `a power cut at any call of a short random workload keeps exactly what was acknowledged`(
    _ part: Int
  ) throws {
    for number in stride(from: part, to: Self.smallWorkloads, by: 4) {
      let workload = Workload.small(seed: TestEnvironment.seed &+ UInt64(number))
      try enumerate(workload)
      try enumerateRecoveries(workload)
    }
  }

  /// Runs a workload once and opens every image that a power cut in it could have left.
  func enumerate(_ workload: Workload) throws {
    let (verifier, disk) = try run(workload)
    let points = CrashPoint.all(
      on: disk, calls: 0..<(disk.mutations + 1), seeds: Self.seeds, limit: Self.images)
    var report = FailureReport(workload)
    for point in points {
      report.collect(point) {
        let cut = disk.crashed(atMutation: point.call, point.variant, seed: point.seed)
        let image = cut.image
        guard let present = try verifier.verify(cut, point) else { return }
        try verifier.verifySecondLife(SimulatedDisk(image), present: present, point)
      }
      if report.isFull { break }
    }
    report.publish()
  }

  /// Runs a workload once and cuts the power again while images of it recover.
  func enumerateRecoveries(_ workload: Workload) throws {
    let (verifier, disk) = try run(workload)
    let points = CrashPoint.all(
      on: disk, calls: 0..<(disk.mutations + 1), seeds: 1, limit: max(20, Self.images / 30))
    var report = FailureReport(workload)
    for point in points {
      report.collect(point) {
        let image = disk.crashed(atMutation: point.call, point.variant, seed: point.seed).image
        try cutRecovery(of: image, verifier, point)
      }
      if report.isFull { break }
    }
    report.publish()
  }

  /// Recovers an image while the power is cut in each of the recovery's own calls.
  private func cutRecovery(
    of image: DiskImage, _ verifier: CrashVerifier, _ point: CrashPoint
  ) throws {
    let disk = SimulatedDisk(image, recordsHistory: true)
    guard let present = try verifier.verify(disk, point) else { return }
    for call in 0..<(disk.mutations + 1) {
      for variant in disk.variants(atMutation: call) {
        let cut = disk.crashed(atMutation: call, variant, seed: point.seed &+ UInt64(call))
        do {
          let database = try verifier.open(cut, ManualScheduler())
          let reader = try database.snapshot()
          let found = try Marks.present(in: reader)
          guard found == present else {
            throw TestFailure("\(found) instead of \(present)")
          }
          try verifier.transcripts.verify(reader, holds: present)
          try verifier.transcripts.verifySnapshots(of: database, cutAt: point.call)
          try verifier.check(database, cut)
          cut.stop(atMutation: cut.mutations)
          Tally.countCrashImage()
        } catch {
          throw TestFailure("then in recovery at call \(call), \(variant.rawValue): \(error)")
        }
      }
    }
  }

  private func run(_ workload: Workload) throws -> (CrashVerifier, SimulatedDisk) {
    let disk = SimulatedDisk(recordsHistory: true)
    let run = WorkloadRun(workload, on: disk)
    run.run()
    if let failure = run.failure {
      throw TestFailure("\(workload.name), step \(failure.step): \(failure.error)")
    }
    let verifier = CrashVerifier(
      workload: workload, transcripts: TranscriptVerifier(run.transcript))
    run.abandon()
    return (verifier, disk)
  }
}

/// Collects failures of one workload, each with what is needed to repeat it.
struct FailureReport {
  private static let limit = 5
  private let workload: Workload
  private var failures: [String] = []

  init(_ workload: Workload) {
    self.workload = workload
  }

  var isFull: Bool { failures.count >= Self.limit }

  mutating func collect(_ place: some CustomStringConvertible, _ body: () throws -> Void) {
    do { try body() } catch { failures.append("\(workload.name), \(place): \(error)") }
  }

  func publish() {
    for failure in failures {
      Issue.record("\(failure) (RECORD_STORE_SEED=\(TestEnvironment.seed))")
    }
  }
}
