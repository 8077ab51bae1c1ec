// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import TestSupport

/// A bank on a simulated disk, with what a test needs to handle it.
final class BankStore {
  private(set) var disk: SimulatedDisk
  private(set) var database: Database
  private(set) var system: PrevalentSystem<Bank>
  /// Runs checkpoints of the store when told to.
  let scheduler = ManualScheduler()
  /// Writes images when told to.
  let imager = ManualScheduler()
  var options: PrevalentOptions<Bank>
  var registry = CommandRegistry<Bank>.bank
  var configuration: Configuration

  /// Options whose clock counts on by itself, from 1000.
  static func options() -> PrevalentOptions<Bank> {
    var options = PrevalentOptions<Bank>()
    let time = Guarded<UInt64>(1000)
    options.clock = {
      time.withLock { time in
        defer { time += 1 }
        return time
      }
    }
    options.seed = 7
    options.images = .manual
    return options
  }

  init(
    on disk: SimulatedDisk = SimulatedDisk(), initial: Bank = Bank(),
    adjust: (inout PrevalentOptions<Bank>) -> Void = { _ in }
  ) throws {
    var options = Self.options()
    options.scheduler = imager
    adjust(&options)
    self.options = options
    self.disk = disk
    configuration = .testing(scheduler: scheduler)
    database = try Database.create(on: disk, configuration: configuration)
    system = try PrevalentSystem.open(in: database, registry, options: options) { initial }
  }

  /// Opens a bank that is on a disk already.
  init(
    opening disk: SimulatedDisk, isReadOnly: Bool = false,
    adjust: (inout PrevalentOptions<Bank>) -> Void = { _ in },
    registry: CommandRegistry<Bank> = .bank
  ) throws {
    var options = Self.options()
    options.scheduler = imager
    adjust(&options)
    self.options = options
    self.registry = registry
    self.disk = disk
    configuration = .testing(scheduler: scheduler)
    configuration.isReadOnly = isReadOnly
    database = try Database.open(on: disk, configuration: configuration)
    do {
      system = try PrevalentSystem.open(
        in: database, registry, options: options, isReadOnly: isReadOnly)
    } catch {
      try? database.close()
      throw error
    }
  }

  var model: Bank {
    get throws { try system.query { $0 } }
  }

  /// Closes everything and opens it again.
  func reopen(
    registry: CommandRegistry<Bank>? = nil,
    adjust: (inout PrevalentOptions<Bank>) -> Void = { _ in }
  ) throws {
    try system.close()
    try database.close()
    try openAgain(on: disk.reopened(), registry: registry, adjust: adjust)
  }

  /// Loses power and opens what is left.
  func crash(
    _ variant: CrashVariant = .loseAll, registry: CommandRegistry<Bank>? = nil,
    adjust: (inout PrevalentOptions<Bank>) -> Void = { _ in }
  ) throws {
    let left = disk.crashed(variant, seed: TestEnvironment.seed)
    abandon()
    try openAgain(on: left, registry: registry, adjust: adjust)
  }

  /// Ends as a killed process does: everything that was written is there, nothing more.
  func kill() throws {
    try crash(.keepAll)
  }

  /// Leaves the old handles to themselves.
  private func abandon() {
    scheduler.dropAll()
    imager.dropAll()
    disk.inject(nil)
  }

  private func openAgain(
    on disk: SimulatedDisk, registry: CommandRegistry<Bank>?,
    adjust: (inout PrevalentOptions<Bank>) -> Void
  ) throws {
    scheduler.dropAll()
    imager.dropAll()
    if let registry { self.registry = registry }
    adjust(&options)
    self.disk = disk
    database = try Database.open(on: disk, configuration: configuration)
    do {
      system = try PrevalentSystem.open(in: database, self.registry, options: options)
    } catch {
      try? database.close()
      throw error
    }
  }

  /// Checks every page, that the model is the same after opening again, and closes for good.
  func finish() throws {
    try check()
    let (model, last) = try system.queryBetweenCommands { ($0, $1.number) }
    try reopen()
    let (again, number) = try system.queryBetweenCommands { ($0, $1.number) }
    guard model == again, number == last else {
      throw TestFailure("after opening again, command \(number) and not \(last): \(again)")
    }
    try check()
    try system.close()
    try database.close()
  }

  func check() throws {
    let report = try database.check()
    if let fault = report.faults.first {
      throw TestFailure("check found \(report.faults.count) faults, first: \(fault)")
    }
    if let violation = disk.violations.first {
      throw TestFailure("\(disk.violations.count) misuses of the disk, first: \(violation)")
    }
  }

  /// The numbers of the images in the store, the newest first.
  var images: [UInt64] {
    get throws {
      try database.read { view in try system.images.headers(in: view).map(\.number) }
    }
  }

  /// The numbers of the commands in the journal.
  var journal: [UInt64] {
    get throws {
      try system.entries(after: system.working.withLock { $0.firstEntry - 1 }).map(\.number)
    }
  }

  /// Changes the trees of the system behind its back; the system has to be closed.
  func forge(_ change: (PrevalentTrees, WriteTransaction) throws -> Void) throws {
    try database.write { transaction in
      guard let trees = try PrevalentTrees.find("main", in: transaction) else {
        throw TestFailure("no system")
      }
      try change(trees, transaction)
    }
  }

  /// Opens the store, and not the system in it, after an opening has failed.
  func reopenDatabase() {
    disk = disk.reopened()
    do { database = try Database.open(on: disk, configuration: configuration) } catch {}
  }

  /// Opens the system after it was closed.
  func openSystem() throws {
    system = try PrevalentSystem.open(in: database, registry, options: options)
  }

  /// Closes the system, changes its trees, and opens it again.
  func reopen(
    after change: (PrevalentTrees, WriteTransaction) throws -> Void,
    adjust: (inout PrevalentOptions<Bank>) -> Void = { _ in }
  ) throws {
    try system.close()
    try forge(change)
    adjust(&options)
    system = try PrevalentSystem.open(in: database, registry, options: options)
  }
}

/// Runs `body` with a bank, and ends with a full integrity check and a comparison after opening again.
func withBank(
  on disk: SimulatedDisk = SimulatedDisk(),
  adjust: (inout PrevalentOptions<Bank>) -> Void = { _ in }, _ body: (BankStore) throws -> Void
) throws {
  let bank = try BankStore(on: disk, adjust: adjust)
  try body(bank)
  try bank.finish()
}
