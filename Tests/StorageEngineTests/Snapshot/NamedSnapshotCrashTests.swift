// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Power cuts at every call while states are kept under names: those that were acknowledged are
/// there and read as they did, and those that were dropped leave nothing behind.
///
/// The same numbers from the environment count as for `CrashTests`.
struct NamedSnapshotCrashTests {
  static let workloads: [Workload] = [
    .namedSnapshots, .namedSnapshotsOverRestarts, .randomWithNames(seed: TestEnvironment.seed),
    .randomWithNames(seed: TestEnvironment.seed &+ 1),
  ]

  @Test(arguments: workloads)
  func `a power cut at any call keeps exactly the snapshots that were acknowledged`(
    _ workload: Workload
  ) throws {
    try CrashTests().enumerate(workload)
  }

  @Test(arguments: workloads)
  func `a power cut at any call of a recovery harms no snapshot`(_ workload: Workload) throws {
    try CrashTests().enumerateRecoveries(workload)
  }

  @Test(arguments: workloads)
  func `a power cut that also takes the newest superblock keeps what was acknowledged`(
    _ workload: Workload
  ) throws {
    let disk = SimulatedDisk(recordsHistory: true)
    let run = WorkloadRun(workload, on: disk)
    run.run()
    if let failure = run.failure { throw failure.error }
    let verifier = CrashVerifier(
      workload: workload, transcripts: TranscriptVerifier(run.transcript))
    run.abandon()
    var report = FailureReport(workload)
    // Before, there may be but one superblock.
    let first = run.transcript.transactions.first?.durableAt ?? 0
    for call in first..<disk.mutations {
      let point = CrashPoint(call: call, variant: .keepAll, seed: UInt64(call))
      report.collect(point) {
        var image = disk.crashed(atMutation: call, .keepAll, seed: point.seed).image
        image.zero(4096, at: image.newestSuperblock)
        let copy = SimulatedDisk(image)
        guard let present = try verifier.verify(SimulatedDisk(image), point) else { return }
        try verifier.verifySecondLife(copy, present: present, point)
      }
      if report.isFull { break }
    }
    report.publish()
  }
}

extension DiskImage {
  /// Where the superblock lies that counts.
  var newestSuperblock: UInt64 {
    let sequences = [UInt64(0), 4096].map { slot in
      bytes(8, at: slot + 40).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    return sequences[0] > sequences[1] ? 0 : 4096
  }
}
