// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// Keeps the jobs it is given until a test says when to run them.
public final class ManualScheduler: CheckpointScheduler {
  private let jobs = Guarded<[@Sendable () -> Void]>([])

  /// A scheduler without jobs.
  public init() {}

  /// Keeps a job.
  public func schedule(_ job: @escaping @Sendable () -> Void) {
    jobs.withLock { $0.append(job) }
  }

  /// How many jobs wait.
  public var waiting: Int { jobs.withLock { $0.count } }

  /// Runs the jobs that wait, and returns how many there were.
  @discardableResult
  public func runAll() -> Int {
    let waiting = jobs.withLock { jobs in
      defer { jobs = [] }
      return jobs
    }
    for job in waiting { job() }
    return waiting.count
  }

  /// Forgets the jobs that wait, as a killed process does.
  public func dropAll() {
    jobs.withLock { $0 = [] }
  }
}
