// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

extension Configuration {
  /// Small pages, small cache, checkpoints only when the test says so.
  public static func testing(
    scheduler: any CheckpointScheduler, pageBytes: Int = 4096
  ) -> Configuration {
    var configuration = Configuration()
    configuration.cacheBytes = max(4 << 20, 256 * pageBytes)
    configuration.pageBytes = pageBytes
    configuration.checkpointBytes = 1 << 20
    configuration.scheduler = scheduler
    return configuration
  }
}

/// A database on a simulated disk, with what a test needs to handle it.
public final class TestStore {
  /// The disk; another handle of it after each `reopen()`.
  public private(set) var disk: SimulatedDisk
  /// The database.
  public private(set) var database: Database
  /// Runs checkpoints when told to.
  public let scheduler: ManualScheduler
  /// What the database was opened with.
  public let configuration: Configuration

  /// Creates a database on an empty disk.
  public init(
    on disk: SimulatedDisk = SimulatedDisk(), pageBytes: Int = 4096,
    adjust: (inout Configuration) -> Void = { _ in }
  ) throws {
    let scheduler = ManualScheduler()
    var configuration = Configuration.testing(scheduler: scheduler, pageBytes: pageBytes)
    adjust(&configuration)
    self.disk = disk
    self.scheduler = scheduler
    self.configuration = configuration
    database = try Database.create(on: disk, configuration: configuration)
  }

  /// Opens a database that is on a disk already.
  public init(opening disk: SimulatedDisk, configuration: Configuration? = nil) throws {
    let scheduler = ManualScheduler()
    var adjusted = configuration ?? .testing(scheduler: scheduler)
    adjusted.scheduler = scheduler
    self.disk = disk
    self.scheduler = scheduler
    self.configuration = adjusted
    database = try Database.open(on: disk, configuration: adjusted)
  }

  /// Closes the database and opens it again.
  public func reopen() throws {
    try database.close()
    scheduler.dropAll()
    disk = disk.reopened()
    database = try Database.open(on: disk, configuration: configuration)
  }

  /// Runs `body` in a transaction that makes `changes`.
  public func commit(_ changes: [Change], durability: Durability? = nil) throws {
    try database.write(durability: durability) { transaction in
      for change in changes { try change.apply(to: transaction) }
    }
  }

  /// Checks every page, and that the engine kept its promises to the disk.
  public func check() throws {
    let report = try database.check()
    if let fault = report.faults.first {
      throw TestFailure("check found \(report.faults.count) faults, first: \(fault)")
    }
    if let violation = disk.violations.first {
      throw TestFailure("\(disk.violations.count) misuses of the disk, first: \(violation)")
    }
  }

  /// Checks the integrity, closes, opens again, checks once more and closes for good.
  public func checkTwiceAndClose() throws {
    try check()
    try reopen()
    try check()
    try database.close()
  }
}

/// Runs `body` with a new database on a simulated disk, and ends with a full integrity check of
/// the open store and of the closed and reopened one.
public func withStore<Result>(
  on disk: SimulatedDisk = SimulatedDisk(), pageBytes: Int = 4096,
  adjust: (inout Configuration) -> Void = { _ in }, _ body: (TestStore) throws -> Result
) throws -> Result {
  let store = try TestStore(on: disk, pageBytes: pageBytes, adjust: adjust)
  let result = try body(store)
  try store.checkTwiceAndClose()
  return result
}
