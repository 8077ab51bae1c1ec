// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization

/// A model in memory that is changed by commands, which a store keeps: after a crash it is made
/// again from its last image and the commands after it.
///
/// Commands are executed one at a time, on the model in memory, and written to the journal when they
/// have succeeded; one that throws leaves no trace. Queries see the state after a command that is as
/// durable as was asked when it was given, whole, and hold up nobody. Safe to use from any number of
/// threads; closures that are given to it must not call it, except for `onEvents`.
///
/// What happens to a command, and where to read on: `PrevalentSystem+Execution` executes and
/// appends it, `CommandJournal` writes; `PrevalentSystem+Queries` shows the new state, on copies that
/// `ModelGallery` has; `PrevalentSystem+Images` writes images and removes what they replace;
/// `ModelLoader` makes the model from the store.
public final class PrevalentSystem<Model: Sendable>: Sendable {
  /// The name in the store.
  public let name: String
  let database: Database
  let ownsDatabase: Bool
  let isReadOnly: Bool
  let options: PrevalentOptions<Model>
  let loader: ModelLoader<Model>
  let working: LockedState<WorkingState>
  /// The model that commands change; for who holds the lock of `working`.
  let model: WorkingModel<Model>
  let gallery = ModelGallery()
  /// Held by the one who brings a copy up to date.
  let showing = ChangeLock()
  /// Held while an image is written.
  let imaging = ChangeLock()
  let events: EventDelivery
  let waiting = CommandWaiters()
  /// The last command that queries may show.
  let visible: Atomic<UInt64>
  /// The last transaction in the log that was found to be durable, and the last that was written.
  let syncedCommit = Atomic<UInt64>(0)
  let writtenCommit = Atomic<UInt64>(0)
  let isOpen = Atomic<Bool>(true)
  let phase = Atomic<SystemPhase>(.works)
  let registration: SystemRegistration?
  /// How many queries have brought a copy up to date, copied the model, and so on.
  let tally = SystemTally()

  var journal: CommandJournal { loader.journal }
  var images: ImageStore { loader.images }

  init(
    name: String, database: Database, ownsDatabase: Bool, isReadOnly: Bool,
    loader: ModelLoader<Model>, model: Model, working: WorkingState,
    registration: SystemRegistration?
  ) {
    self.name = name
    self.database = database
    self.ownsDatabase = ownsDatabase
    self.isReadOnly = isReadOnly
    self.loader = loader
    options = loader.options
    events = EventDelivery(loader.options.onEvents)
    visible = Atomic(working.number)
    self.working = LockedState(working)
    self.model = WorkingModel(model)
    self.registration = registration
  }

  deinit {
    guard isOpen.load(ordering: .acquiring) else { return }
    // With its own database everything ends as in a crash, which loses nothing that is durable.
    if !ownsDatabase { journal.resident?.giveUp() }
    registration?.end()
  }

  // MARK: What it says of itself

  /// The last command that was executed, durable or not.
  public var lastCommand: UInt64 { working.withLock { $0.number } }

  /// What random numbers of commands begin with; a replica needs the same.
  public var seed: UInt64 { loader.information.seed }

  /// The last command that the newest image contains.
  public var lastImage: UInt64 { working.withLock { $0.image.number } }

  /// Newer images that could not be read at the opening, so that an older one and the journal were
  /// used.
  public var skippedImages: [SkippedImage] { working.withLock { $0.skipped } }

  /// Why commands are refused; `nil` while they are not.
  public var failure: PrevalenceError? { working.withLock { $0.failure } }

  func checkOpen() throws(PrevalenceError) {
    guard isOpen.load(ordering: .acquiring) else { throw .closed }
  }

  // MARK: Closing

  /// Makes every command durable and closes the system, and the store if it was opened with it.
  ///
  /// Other calls throw `.closed` from then on; closing once more does nothing. No image is written:
  /// the next opening executes the commands after the last one again.
  ///
  /// - Throws: `PrevalenceError.engine` when commands could not be made durable. After `.outOfSpace` a
  ///   system that does not have its store to itself is still open; any other is closed all the same.
  public func close() throws(PrevalenceError) {
    // Commands that have begun go first, images that are being written as well.
    let wasOpen = imaging.withLock {
      working.withLock { _ in isOpen.exchange(false, ordering: .acquiringAndReleasing) }
    }
    guard wasOpen else { return }
    do throws(EngineError) {
      if ownsDatabase {
        try database.close()
      } else if let resident = journal.resident {
        try resident.detach()
      }
    } catch {
      if !ownsDatabase, case .outOfSpace = error {
        // Nothing has changed: the next attempt may find room.
        isOpen.store(true, ordering: .releasing)
      } else {
        end()
      }
      throw .engine(error)
    }
    end()
    raise(visible, to: working.withLock { $0.number })
    deliverEvents()
  }

  private func end() {
    registration?.end()
    gallery.clear()
  }

  /// Makes every command durable.
  ///
  /// - Throws: `PrevalenceError`.
  public func flush() throws(PrevalenceError) {
    let promise = try working.withLock { working throws(PrevalenceError) in
      try checkOpen()
      if let failure = working.failure { throw failure }
      return working.promise(.synced, raises: false)
    }
    try settle(promise)
  }

  /// Raises a number unless it is as high already.
  func raise(_ value: borrowing Atomic<UInt64>, to number: UInt64) {
    var seen = value.load(ordering: .relaxed)
    while seen < number {
      let (exchanged, original) = value.compareExchange(
        expected: seen, desired: number, ordering: .acquiringAndReleasing)
      if exchanged { return }
      seen = original
    }
  }
}

/// What queries are shown.
enum SystemPhase: UInt8, AtomicRepresentable {
  /// What commands have done.
  case works
  /// Nothing, as something has failed, until the last durable state is there.
  case failed
  /// The last durable state, for ever.
  case showsDurable
}

/// Counts what is expensive, for tests and measurements.
final class SystemTally: Sendable {
  /// Copies that were advanced in place.
  let advances = Atomic<Int>(0)
  /// Copies that were made from another because all were looked at.
  let forks = Atomic<Int>(0)
  /// Queries that were shown the model itself.
  let shares = Atomic<Int>(0)
  /// Rollbacks from a copy.
  let rollbacksFromCopy = Atomic<Int>(0)
  /// Rollbacks that read the store.
  let rollbacksFromStore = Atomic<Int>(0)
}
