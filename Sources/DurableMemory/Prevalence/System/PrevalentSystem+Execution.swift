// SPDX-License-Identifier: Apache-2.0

public import StorageEngine
import Synchronization

/// The way of a command: executed, written to the journal, durable, shown.
extension PrevalentSystem {
  /// Executes a command and returns its result when it is as durable as asked, by default as the
  /// options say.
  ///
  /// When it throws anything but `PrevalenceError.engine(.poisoned)`, the command has left no trace;
  /// when it throws that, the disk has failed, and it may or may not be there when the store is
  /// opened again.
  ///
  /// - Throws: What the command throws; `PrevalenceError`.
  @discardableResult
  public func execute<C: Command>(
    _ command: C, durability: Durability? = nil
  ) throws -> C.Result where C.Model == Model {
    var outcome = CommandOutcome()
    let result = try perform(command, durability ?? options.durability, &outcome)
    try settle(outcome.promise)
    return result
  }

  /// Executes a command, and returns before it is durable; commands are executed in the order of the
  /// calls.
  ///
  /// Nothing may be acknowledged before `wait` of what is returned; queries do not see the command
  /// earlier either, unless a later one was waited for.
  ///
  /// - Throws: What the command throws; `PrevalenceError`.
  public func submit<C: Command>(
    _ command: C, durability: Durability? = nil
  ) throws -> Submission<Model, C.Result> where C.Model == Model {
    var outcome = CommandOutcome()
    let result = try perform(command, durability ?? options.durability, &outcome)
    return Submission(system: self, result: result, promise: outcome.promise)
  }

  private static var settleInterval: UInt64 { 64 }
  /// Bytes for which there is room at once.
  private static var usualPayload: Int { 200 }

  /// Executes a command and writes it to the journal.
  private func perform<C: Command>(
    _ command: C, _ durability: Durability, _ outcome: inout CommandOutcome
  ) throws -> C.Result where C.Model == Model {
    if isReadOnly { throw PrevalenceError.readOnly }
    guard let registered = loader.registry.registered(C.self) else {
      throw PrevalenceError.unregistered(name: C.name)
    }
    var payload: [UInt8] = []
    payload.reserveCapacity(Self.usualPayload)
    do {
      try registered.codec.encode(command, into: &payload)
    } catch {
      throw PrevalenceError.notEncodable(name: C.name, reason: "\(error)")
    }
    var isDone = false
    defer { if isDone { doDue(outcome) } else { tellFailure() } }
    let result = try performLocked(command, registered, payload, durability, &outcome)
    isDone = true
    return result
  }

  private func performLocked<C: Command>(
    _ command: C, _ registered: RegisteredCommand<C>, _ payload: [UInt8], _ durability: Durability,
    _ outcome: inout CommandOutcome
  ) throws -> C.Result where C.Model == Model {
    working.lock()
    defer { working.unlock() }
    do {
      let result = try run(
        command, registered, payload, on: &model.value, &working.value, &outcome)
      outcome.promise = working.value.promise(durability, raises: outcome.isJournaled)
      noteDue(&working.value, &outcome)
      return result
    } catch let error as PrevalenceError where error.isFatal {
      // Before the next command begins.
      note(error, in: &working.value)
      throw error
    }
  }

  private func run<C: Command>(
    _ command: C, _ registered: RegisteredCommand<C>, _ payload: [UInt8],
    on model: inout Model, _ working: inout WorkingState, _ outcome: inout CommandOutcome
  ) throws -> C.Result where C.Model == Model {
    try checkUsable(working)
    try verify(registered, payload, &working)
    var context = CommandContext(
      number: working.number + 1, now: max(working.time, options.clock()), seed: seed,
      isReplay: false)
    if let veto = options.veto {
      do {
        try veto(command, context)
      } catch {
        throw PrevalenceError.refused(name: C.name, reason: "\(error)")
      }
    }
    try command.validate(model, in: &context)
    leave(shared: &working)
    let result = try execute(command, on: &model, &working, &context)
    if context.isUnjournaled {
      if !context.events.isEmpty { events.add(context.events, of: working.number) }
    } else {
      try log(&model, &working, context, form: registered.form, payload: payload)
    }
    outcome.isJournaled = !context.isUnjournaled
    return result
  }

  /// Has a command change the model, or leave it as it is.
  private func execute<C: Command>(
    _ command: C, on model: inout Model, _ working: inout WorkingState,
    _ context: inout CommandContext
  ) throws -> C.Result where C.Model == Model {
    do {
      return try command.execute(on: &model, in: &context)
    } catch {
      if !C.throwsOnlyUnchanged { try rollBack(&model, &working) }
      throw error
    }
  }

  /// Notes what has become due with a command.
  func noteDue(_ working: inout WorkingState, _ outcome: inout CommandOutcome) {
    if working.needsImage(options.images) {
      working.isImageScheduled = true
      outcome.needsImage = true
    }
    trim(&working, &outcome)
  }

  /// Does what has become due; call without locks.
  func doDue(_ outcome: CommandOutcome) {
    if outcome.needsImage { scheduleImage() }
    if outcome.needsCopy { catchUp() }
    if outcome.needsLook { lookAtStoreInPassing() }
    if !outcome.isJournaled { deliverEvents() }
  }

  func checkUsable(_ working: borrowing WorkingState) throws(PrevalenceError) {
    try checkOpen()
    if let failure = working.failure { throw failure }
  }

  /// Decodes a command again, as a trial.
  private func verify<C: Command>(
    _ registered: RegisteredCommand<C>, _ payload: [UInt8], _ working: inout WorkingState
  ) throws(PrevalenceError) {
    switch options.verification {
    case .none: return
    case .firstOfEachType:
      if working.verified.contains(ObjectIdentifier(C.self)) { return }
    case .every: break
    }
    do {
      _ = try registered.codec.decode(payload[...])
    } catch {
      throw .notReadable(name: C.name, reason: "\(error)")
    }
    if options.verification == .firstOfEachType {
      working.verified.append(ObjectIdentifier(C.self))
    }
  }

  /// Writes what was executed to the journal; when that fails, it is undone.
  func log(
    _ model: inout Model, _ working: inout WorkingState, _ context: CommandContext,
    hash: UInt64? = nil, form: [UInt8], payload: [UInt8]
  ) throws {
    do {
      let hash = try hash ?? dueHash(context.number, model)
      let before = working.recent.byteCount
      working.commit = try working.recent.append(
        context, hash: hash, form: form, payload: payload, to: journal)
      working.number = context.number
      working.time = context.now
      working.bytesSinceImage += working.recent.byteCount - before
      if !context.events.isEmpty { events.add(context.events, of: context.number) }
    } catch {
      if (error as? PrevalenceError)?.isFatal != true { try rollBack(&model, &working) }
      throw error
    }
  }

  private func dueHash(_ number: UInt64, _ model: Model) throws(PrevalenceError) -> UInt64? {
    guard options.hashInterval > 0, number % options.hashInterval == 0,
      let stateHash = options.stateHash
    else { return nil }
    do {
      return try stateHash(model)
    } catch {
      throw .modelNotEncodable(reason: "\(error)")
    }
  }

  /// Waits until a command and those before it are as durable as asked, shows it, and delivers
  /// events; call without locks.
  func settle(_ promise: CommandPromise) throws(PrevalenceError) {
    // No command was executed since the opening.
    guard promise.commit > 0 else { return }
    try settleSilently(promise)
    deliverEvents()
  }

  /// The same; who calls delivers events when he has released his locks.
  func settleSilently(_ promise: CommandPromise) throws(PrevalenceError) {
    do throws(PrevalenceError) {
      try wait(for: promise)
    } catch {
      fail(error)
      throw error
    }
    raise(visible, to: promise.number)
  }

  private func wait(for promise: CommandPromise) throws(PrevalenceError) {
    let (commit, durability) = (promise.commit, promise.durability)
    // A command is shown with the ones before it, of which more may have been asked.
    if durability != .synced, promise.synced > syncedCommit.load(ordering: .acquiring) {
      try journal.settle(promise.synced, .synced)
      raise(syncedCommit, to: promise.synced)
    }
    if durability != .synced, durability != .written,
      promise.written > writtenCommit.load(ordering: .acquiring)
    {
      try journal.settle(promise.written, .written)
      raise(writtenCommit, to: promise.written)
    }
    // What waits for nothing looks now and then whether very much is unwritten.
    if durability != .manual || promise.number % Self.settleInterval == 0 {
      try journal.settle(commit, durability)
    }
    if durability == .synced { raise(syncedCommit, to: commit) }
    if durability == .synced || durability == .written { raise(writtenCommit, to: commit) }
  }

  /// Delivers the events of commands that queries may see; call without locks, as who listens may
  /// call the system.
  func deliverEvents() {
    events.deliver { visible.load(ordering: .acquiring) }
  }

  /// Refuses commands from now on; call without locks.
  func fail(_ error: PrevalenceError) {
    working.withLock { note(error, in: &$0) }
    tellFailure()
  }

  /// Refuses commands from now on; who calls tells of it when he has released his locks.
  func note(_ error: PrevalenceError, in working: inout WorkingState) {
    if working.failure == nil { working.failure = error }
    let isFirst = phase.compareExchange(
      expected: .works, desired: .failed, ordering: .acquiringAndReleasing
    ).exchanged
    if isFirst { working.untoldFailure = error }
  }

  /// Tells of a failure that was noted; call without locks.
  func tellFailure() {
    let untold = working.withLock { working in
      defer { working.untoldFailure = nil }
      return working.untoldFailure
    }
    if let untold { options.onFailure?(untold) }
  }
}

extension PrevalenceError {
  /// Whether nothing can be executed any more.
  var isFatal: Bool {
    switch self {
    case .engine(.poisoned), .engine(.storage), .engine(.corrupt), .failed, .diverged: true
    default: false
    }
  }
}

/// What has to be waited for before a command may be acknowledged and shown.
struct CommandPromise {
  /// The transaction of the command in the log, or of the last one before it when it was left out of
  /// the journal; 0 when there was none since the opening.
  var commit: UInt64 = 0
  /// The number of that command.
  var number: UInt64 = 0
  var durability = Durability.manual
  /// The last transaction up to this one for which `.synced` was asked.
  var synced: UInt64 = 0
  /// The last one for which `.written` was asked.
  var written: UInt64 = 0
}

/// What has become of a command, and what is to be done after it.
struct CommandOutcome {
  var promise = CommandPromise()
  var isJournaled = false
  var needsImage = false
  var needsCopy = false
  var needsLook = false
}

/// A command that was executed, and is durable once it was waited for.
public struct Submission<Model: Sendable, Result: Sendable>: Sendable {
  let system: PrevalentSystem<Model>
  /// The result, which may not be acknowledged yet.
  public let result: Result
  let promise: CommandPromise

  /// The number of the command, or of the last one before it when it was left out of the journal.
  public var number: UInt64 { promise.number }

  /// Waits until the command is as durable as asked and queries see it, and returns the result.
  ///
  /// - Throws: `PrevalenceError.engine(.poisoned)` when the disk has failed: the command may be lost.
  @discardableResult
  public func wait() throws(PrevalenceError) -> Result {
    try system.settle(promise)
    return result
  }
}
