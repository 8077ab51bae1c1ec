// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization

/// Reading the model.
extension PrevalentSystem {
  /// How far copies may lag behind before they are given up, or caught up if they are to be kept.
  static var mostLag: UInt64 { 16_384 }
  private static var trimInterval: UInt64 { 1024 }
  private static var storeLookBytes: Int { 8 << 20 }

  /// Runs `body` on the state after the last command that is as durable as was asked for it.
  ///
  /// Commands and other queries go on meanwhile; what `body` sees stays as it is. It may keep the
  /// model, which then is a value of its own.
  ///
  /// - Throws: What `body` throws; `PrevalenceError`.
  public func query<R>(_ body: (Model) throws -> R) throws -> R {
    try query { model, _ in try body(model) }
  }

  /// Runs `body` on that state, and says which it is.
  ///
  /// - Throws: What `body` throws; `PrevalenceError`.
  public func query<R>(_ body: (Model, Moment) throws -> R) throws -> R {
    let copy = try beginReading()
    defer { gallery.endReading(copy) }
    return try Self.look(at: copy, body)
  }

  /// Lends the model of a copy; no reference to it outlives the call.
  private static func look<R>(
    at copy: ModelCopy<Model>, _ body: (Model, Moment) throws -> R
  ) throws -> R {
    guard let model = copy.model else { throw PrevalenceError.closed }
    return try body(model, Moment(number: copy.number, time: copy.time))
  }

  /// Runs `body` between two commands, on the very last state, which may not be durable yet; commands
  /// wait meanwhile.
  ///
  /// - Throws: What `body` throws; `PrevalenceError`.
  public func queryBetweenCommands<R>(_ body: (Model, Moment) throws -> R) throws -> R {
    try working.withLock { working in
      try checkUsable(working)
      return try body(working.model, Moment(number: working.number, time: working.time))
    }
  }

  /// The state that queries see now, for as long as the view is kept.
  ///
  /// - Throws: `PrevalenceError`.
  public func view() throws(PrevalenceError) -> ModelView<Model> {
    let copy = try beginReading()
    guard let model = copy.model else { throw .closed }
    return ModelView(
      model: model, moment: Moment(number: copy.number, time: copy.time),
      reading: ModelReading(gallery: gallery, copy: copy))
  }

  /// Begins to read a copy that shows every command that queries may see.
  func beginReading() throws(PrevalenceError) -> ModelCopy<Model> {
    try checkOpen()
    if phase.load(ordering: .acquiring) != .failed,
      let copy = gallery.read(atLeast: visible.load(ordering: .acquiring))
    {
      return copy
    }
    return try showing.withLock { _ throws(PrevalenceError) in try showNewest(reading: true) }
  }

  /// Shows the last command that queries may see; one thread at a time.
  @discardableResult
  private func showNewest(reading: Bool) throws(PrevalenceError) -> ModelCopy<Model> {
    if phase.load(ordering: .acquiring) == .failed { try showDurable() }
    let number = visible.load(ordering: .acquiring)
    if reading, let copy = gallery.read(atLeast: number) { return copy }
    switch gallery.choose() {
    case .none: return try share(reading: reading)
    case .advance(let copy):
      tally.advances.add(1, ordering: .relaxed)
      return try advance(copy, to: number, reading: reading)
    case .fork(let copy):
      tally.forks.add(1, ordering: .relaxed)
      guard let model = copy.model else { throw .closed }
      let fork = ModelCopy(model, number: copy.number, time: copy.time)
      return try advance(fork, to: number, reading: reading)
    }
  }

  /// Executes on a copy what it lacks, and shows it.
  private func advance(
    _ copy: ModelCopy<Model>, to number: UInt64, reading: Bool
  ) throws(PrevalenceError) -> ModelCopy<Model> {
    guard let segments = working.withLock({ $0.recent.segments(after: copy.number) }),
      var model = copy.model
    else {
      gallery.discard(copy)
      return try share(reading: reading)
    }
    copy.model = nil
    var replay = loader.replay(after: copy.number, time: copy.time)
    do throws(PrevalenceError) {
      try replay.execute(segments, upTo: number, on: &model)
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
  private func share(reading: Bool) throws(PrevalenceError) -> ModelCopy<Model> {
    let (copy, commit) = try working.withLock { working throws(PrevalenceError) in
      try checkUsable(working)
      let copy = ModelCopy(working.model, number: working.number, time: working.time)
      copy.readers = 1
      working.shared = copy
      return (copy, working.commit)
    }
    tally.shares.add(1, ordering: .relaxed)
    if copy.number > visible.load(ordering: .acquiring) {
      try settle(commit, copy.number, .synced)
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
    let durable = try loader.load(from: view)
    gallery.clear()
    visible.store(durable.number, ordering: .releasing)
    let copy = ModelCopy(durable.model, number: durable.number, time: durable.time)
    gallery.show(copy, number: durable.number, time: durable.time, reading: false)
    phase.store(.showsDurable, ordering: .releasing)
  }

  /// Keeps the journal in memory short; true when the second copy is to be caught up.
  func trim(_ working: inout WorkingModel<Model>) -> Bool {
    guard working.number % Self.trimInterval == 0 else { return false }
    var oldest = gallery.oldest ?? working.number
    let lags = working.number - min(oldest, working.number) > Self.mostLag
    if lags, !working.keepsSecondCopy {
      gallery.clear()
      oldest = gallery.oldest ?? working.number
    }
    if working.recent.byteCount > Self.storeLookBytes, let view = try? database.snapshot() {
      defer { view.close() }
      let stored = (try? journal.bounds(in: view)?.upperBound) ?? working.stored
      working.stored = max(working.stored, stored)
    }
    working.recent.forget(upTo: min(oldest, working.stored))
    return lags && working.keepsSecondCopy
  }

  /// Brings the second copy up to date, where the journal in memory would become too long.
  func catchUp() {
    showing.withLock { _ in
      do throws(PrevalenceError) {
        try showNewest(reading: false)
      } catch {
        // The next command or query meets it as well.
        options.onFailure?(error)
      }
    }
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
  private let reading: ModelReading<Model>

  init(model: Model, moment: Moment, reading: ModelReading<Model>) {
    self.model = model
    self.moment = moment
    self.reading = reading
  }
}

/// A copy that is being looked at until the last view is gone.
final class ModelReading<Model: Sendable>: Sendable {
  private let gallery: ModelGallery<Model>
  private let copy: ModelCopy<Model>

  init(gallery: ModelGallery<Model>, copy: ModelCopy<Model>) {
    self.gallery = gallery
    self.copy = copy
  }

  deinit { gallery.endReading(copy) }
}
