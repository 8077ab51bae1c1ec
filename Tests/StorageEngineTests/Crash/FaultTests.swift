// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import TestSupport
import Testing

/// A failing disk: EIO and ENOSPC at every call of a workload, once and lasting.
///
/// The store must report a typed error, refuse to write on after a failed write or flush, answer
/// reads with nothing but whole durable transactions, and hold after reopening every acknowledged
/// transaction and no part of another. RECORD_STORE_FAULTS limits the failures of each workload, of
/// which every call has an equal share; RECORD_STORE_FAULTS=all tries every sort at every call.
struct FaultTests {
  static let workloads: [Workload] = [
    .smallCommits, .sharedGroups, .checkpoints, .largeValues, .trees, .reopening, .logRecycling,
    .scheduled, .aborts, .random(seed: 2), .namedSnapshots,
  ]
  static let limit =
    TestEnvironment.text("RECORD_STORE_FAULTS") == "all"
    ? Int.max : TestEnvironment.count("RECORD_STORE_FAULTS", quick: 400)

  @Test(arguments: workloads)
  func `a failing call leaves every acknowledged transaction and no part of another`(
    _ workload: Workload
  ) throws {
    let disk = SimulatedDisk(recordsHistory: true)
    let run = WorkloadRun(workload, on: disk)
    run.run()
    #expect(run.failure == nil, "\(String(describing: run.failure))")
    let operations = disk.operations
    run.abandon()
    let faults = Self.faults(operations)
    var report = FailureReport(workload)
    var missed = 0
    for fault in faults {
      report.collect(fault) {
        if try !FaultTrial(workload, fault).perform() { missed += 1 }
      }
      if report.isFull { break }
    }
    report.publish()
    // Where threads commit at once, another run may make other calls.
    #expect(missed <= (workload.isConcurrent ? faults.count / 4 : 0), "of \(faults.count)")
  }

  /// Every sort of fault at every call; where there are more than the limit, all calls keep an equal
  /// share, and at least one each.
  private static func faults(_ operations: [StorageError.Operation]) -> [Fault] {
    var random = SplitMix64(seed: TestEnvironment.seed)
    var rounds: [[Fault]] = []
    for (call, operation) in operations.enumerated() {
      let faults = Self.faults(operation, at: call).shuffled(using: &random)
      for (round, fault) in faults.enumerated() {
        if round == rounds.count { rounds.append([]) }
        rounds[round].append(fault)
      }
    }
    for round in rounds.indices { rounds[round].shuffle(using: &random) }
    return Array(rounds.joined().prefix(max(limit, operations.count)))
  }

  /// Every sort of fault that an operation can have.
  private static func faults(_ operation: StorageError.Operation, at call: Int) -> [Fault] {
    // What is read does not take effect in part.
    let reads = operation == .read || operation == .length
    return [StorageError.Kind.system(errno: EIO), .outOfSpace].flatMap { kind in
      (reads ? [.nothing] : Fault.Applied.allCases).flatMap { applied in
        [false, true].map { Fault(call: call, kind: kind, applied: applied, lasts: $0) }
      }
    }.filter { $0.isPossible(for: operation) }
  }
}

extension Workload {
  /// Whether threads commit at once in it.
  fileprivate var isConcurrent: Bool {
    steps.contains { if case .concurrent = $0 { true } else { false } }
  }
}

/// One run of a workload into one fault.
struct FaultTrial {
  private let workload: Workload
  private let fault: Fault
  private let disk = SimulatedDisk()
  private let run: WorkloadRun

  init(_ workload: Workload, _ fault: Fault) {
    self.workload = workload
    self.fault = fault
    run = WorkloadRun(workload, on: disk)
  }

  /// Returns whether the fault has shown itself.
  func perform() throws -> Bool {
    disk.inject(fault)
    run.run()
    let struck = disk.failedOperation != nil
    if let failure = run.failure {
      try verifyError(failure.error)
      if run.database != nil {
        try verifyReads()
        try verifyWrites(after: failure.error)
      }
    }
    if let violation = disk.violations.first { throw TestFailure("misuse: \(violation)") }
    run.abandon()
    disk.inject(nil)
    try verifyReopening()
    return struck
  }

  /// The error must be one that a caller can tell apart, and none that accuses an intact file.
  private func verifyError(_ error: any Error) throws {
    switch error as? EngineError {
    case .storage(let error)?:
      if error.kind != fault.kind { throw TestFailure("reported as \(error)") }
    case .outOfSpace?:
      if fault.kind != .outOfSpace { throw TestFailure("reported as a full disk") }
    case .poisoned?: break
    default: throw TestFailure("reported as \(error)")
    }
  }

  /// Readers see whole transactions, none of which may vanish again.
  private func verifyReads() throws {
    guard let database = run.database else { return }
    do {
      let reader = try database.snapshot()
      _ = try TranscriptVerifier(run.transcript).verify(reader, cutAt: disk.mutations)
    } catch EngineError.storage(let error) where fault.lasts && error.operation == .read {
      // The disk cannot be read: nothing wrong was shown.
    } catch EngineError.closed where run.transcript.createdAt != nil {
      // It failed while it was being closed.
    }
  }

  /// A full disk leaves a store that can go on, once there is room; any other failure of a write
  /// or flush must not be followed by a success.
  private func verifyWrites(after error: any Error) throws {
    disk.inject(nil)
    let failed = disk.failedOperation
    do {
      try run.commit([Workload.put("main", "after the fault", [1])])
    } catch let error as EngineError {
      switch error {
      case .poisoned, .storage, .closed: return
      case .outOfSpace: throw TestFailure("still out of space though there is room")
      default: throw TestFailure("the next transaction failed with \(error)")
      }
    }
    if failed == .flush || (failed == .write && fault.kind != .outOfSpace) {
      throw TestFailure("a transaction was acknowledged after a failed \(failed?.rawValue ?? "")")
    }
  }

  /// After a restart of the process, and after power cuts, the store holds what it promised.
  private func verifyReopening() throws {
    let verifier = CrashVerifier(
      workload: workload, transcripts: TranscriptVerifier(run.transcript))
    let restarted = SimulatedDisk(disk.image)
    try verify(restarted, verifier, "restart", .keepAll)
    for variant in [CrashVariant.loseAll, .randomSubset, .torn] {
      let seed = UInt64(fault.call)
      try verify(disk.crashed(variant, seed: seed), verifier, "power cut", variant)
    }
  }

  private func verify(
    _ disk: SimulatedDisk, _ verifier: CrashVerifier, _ event: String, _ variant: CrashVariant
  ) throws {
    let point = CrashPoint(call: .max, variant: variant, seed: UInt64(fault.call))
    do {
      let image = disk.image
      guard let present = try verifier.verify(disk, point) else { return }
      try verifier.verifySecondLife(SimulatedDisk(image), present: present, point)
    } catch {
      throw TestFailure("after \(event), \(variant.rawValue): \(error)")
    }
  }
}
