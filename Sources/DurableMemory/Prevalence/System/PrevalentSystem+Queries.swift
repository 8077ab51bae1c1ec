// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization

/// Reading the model.
extension PrevalentSystem {
  /// Runs `body` on the state after the last command that is as durable as was asked for it.
  ///
  /// Commands and other queries go on meanwhile; what `body` sees stays as it is. It may keep the
  /// model, which then is a value of its own.
  ///
  /// - Throws: What `body` throws; `PrevalenceError`.
  @inlinable
  public func query<R>(_ body: (Model) throws -> R) throws -> R {
    try query { model, _ in try body(model) }
  }

  /// Runs `body` on that state, and says which it is.
  ///
  /// - Throws: What `body` throws; `PrevalenceError`.
  @inlinable
  public func query<R>(_ body: (Model, Moment) throws -> R) throws -> R {
    let copy = try beginReadingAndDeliver()
    defer { endReading(copy) }
    return try Self.look(at: copy, body)
  }

  /// Lends the model of a copy; no reference to it outlives the call.
  @inlinable
  static func look<R>(
    at copy: ShownCopy, _ body: (Model, Moment) throws -> R
  ) throws -> R {
    guard let model = model(of: copy) else { throw PrevalenceError.closed }
    return try body(model, copy.moment)
  }

  /// The model of a copy in the gallery of such a system; `nil` where it was given up.
  @inlinable
  static func model(of copy: ShownCopy) -> Model? { known(copy, as: ModelCopy<Model>.self).model }

  @usableFromInline
  func endReading(_ copy: ShownCopy) { gallery.endReading(copy) }

  /// Runs `body` between two commands, on the very last state, which may not be durable yet; commands
  /// wait meanwhile.
  ///
  /// - Throws: What `body` throws; `PrevalenceError`.
  public func queryBetweenCommands<R>(_ body: (Model, Moment) throws -> R) throws -> R {
    try working.withLock { working in
      try checkUsable(working)
      return try body(model.value, Moment(number: working.number, time: working.time))
    }
  }

  /// The state that queries see now, for as long as the view is kept.
  ///
  /// - Throws: `PrevalenceError`.
  public func view() throws(PrevalenceError) -> ModelView<Model> {
    let copy = try beginReadingAndDeliver()
    guard let model = Self.model(of: copy) else { throw .closed }
    return ModelView(
      model: model, moment: copy.moment, reading: ModelReading(gallery: gallery, copy: copy))
  }

  /// Begins to read a copy that shows every command that queries may see, and delivers the events of
  /// those it has waited for; call without locks.
  @usableFromInline
  func beginReadingAndDeliver() throws(PrevalenceError) -> ShownCopy {
    try checkOpen()
    if let copy = readShown() { return copy }
    defer { deliverEvents() }
    return try beginReading()
  }

  /// Begins to read a copy that shows every command that queries may see; who calls delivers events
  /// when he has released his locks.
  func beginReading() throws(PrevalenceError) -> ShownCopy {
    try checkOpen()
    if let copy = readShown() { return copy }
    return try showing.withLock { () throws(PrevalenceError) in try showNewest(reading: true) }
  }

  private func readShown() -> ShownCopy? {
    if phase.load(ordering: .acquiring) == .failed { return nil }
    return gallery.read(atLeast: visible.load(ordering: .acquiring))
  }

  /// Shows the last command that queries may see; one thread at a time.
  @discardableResult
  func showNewest(reading: Bool) throws(PrevalenceError) -> ShownCopy {
    if phase.load(ordering: .acquiring) == .failed { try showDurable() }
    let number = visible.load(ordering: .acquiring)
    if reading, let copy = gallery.read(atLeast: number) { return copy }
    switch gallery.choose() {
    case .none: return try share(reading: reading)
    case .advance(let copy):
      tally.advances.add(1, ordering: .relaxed)
      return try advance(
        known(copy, as: ModelCopy<Model>.self), to: number, reading: reading)
    case .fork(let copy):
      defer { gallery.endReading(copy) }
      tally.forks.add(1, ordering: .relaxed)
      guard let model = Self.model(of: copy) else { throw .closed }
      let fork = ModelCopy<Model>(model, number: copy.number, time: copy.time)
      return try advance(fork, to: number, reading: reading)
    }
  }

  /// Executes on a copy what it lacks, and shows it.
  private func advance(
    _ copy: ModelCopy<Model>, to number: UInt64, reading: Bool
  ) throws(PrevalenceError) -> ShownCopy {
    guard let runs = working.withLock({ $0.recent.runs(after: copy.number) }),
      var model = copy.model
    else {
      gallery.discard(copy)
      return try share(reading: reading)
    }
    copy.model = nil
    var replay = loader.replay(after: copy.number, time: copy.time)
    do throws(PrevalenceError) {
      try replay.execute(runs, on: &model) { $0.number <= number }
    } catch {
      gallery.discard(copy)
      fail(error)
      throw error
    }
    copy.model = model
    gallery.show(copy, number: replay.number, time: replay.time, reading: reading)
    return copy
  }

  /// Shows the model itself, as a copy that shares its memory.
  ///
  /// Where commands are not durable yet, it waits for them.
  private func share(reading: Bool) throws(PrevalenceError) -> ShownCopy {
    let (copy, commit) = try working.withLock { working throws(PrevalenceError) in
      try checkUsable(working)
      let copy = ModelCopy<Model>(model.value, number: working.number, time: working.time)
      copy.readers = 1
      working.shared = copy
      return (copy, working.commit)
    }
    tally.shares.add(1, ordering: .relaxed)
    if copy.number > visible.load(ordering: .acquiring) {
      // Who listens to events may want to query: they are delivered without the lock.
      try settleSilently(CommandPromise(commit: commit, number: copy.number, durability: .synced))
    }
    gallery.show(copy, number: copy.number, time: copy.time, reading: reading)
    gallery.endReading(copy)
    return copy
  }

  /// After a failure of the disk, shows the last durable state; after others, nothing.
  private func showDurable() throws(PrevalenceError) {
    if let failure = working.withLock({ $0.failure }) {
      guard case .engine = failure else { throw failure }
    }
    let view = try PrevalenceError.wrapping { () throws(EngineError) in try database.snapshot() }
    defer { view.close() }
    var durable = try loader.load(from: view)
    // Entries that are durable in the log need not be in the pages.
    let runs = try working.withLock { working throws(PrevalenceError) in
      let runs = working.recent.runs(after: durable.number)
      guard let runs else { throw working.recent.gap(after: durable.number) }
      return runs
    }
    let last = runs.reversed().lazy.compactMap { run in
      run.commits.lastIndex { self.journal.isDurable($0) }.map { run.first + UInt64($0) }
    }.first
    var replay = loader.replay(after: durable.number, time: durable.time)
    try replay.execute(runs, on: &durable.model) { $0.number <= last ?? 0 }
    gallery.clear()
    visible.store(replay.number, ordering: .releasing)
    let copy = ModelCopy<Model>(durable.model, number: replay.number, time: replay.time)
    gallery.show(copy, number: replay.number, time: replay.time, reading: false)
    phase.store(.showsDurable, ordering: .releasing)
  }
}

/// Which state of a model it is.
public struct Moment: Sendable, Equatable {
  /// The last command that was executed; 0 before the first.
  public let number: UInt64
  /// The time of that command in milliseconds since 1970; 0 before the first.
  public let time: UInt64
}

/// A state of a model that stays as it is.
public struct ModelView<Model: Sendable>: Sendable {
  /// The model.
  public let model: Model
  /// Which state it is.
  public let moment: Moment
  private let reading: ModelReading

  init(model: Model, moment: Moment, reading: ModelReading) {
    self.model = model
    self.moment = moment
    self.reading = reading
  }
}

/// A copy that is being looked at until the last view is gone.
final class ModelReading: Sendable {
  private let gallery: ModelGallery
  private let copy: ShownCopy

  init(gallery: ModelGallery, copy: ShownCopy) {
    self.gallery = gallery
    self.copy = copy
  }

  deinit { gallery.endReading(copy) }
}
