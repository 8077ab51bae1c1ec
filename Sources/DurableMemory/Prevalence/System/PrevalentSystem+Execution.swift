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
    let submission = try submit(command, durability: durability)
    return try submission.wait()
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
    let payload = try encode(command)
    let performed = try change { working in try perform(command, payload, on: &working) }
    if performed.commit == nil { events.deliver { visible.load(ordering: .acquiring) } }
    return Submission(
      system: self, result: performed.result, number: performed.number, commit: performed.commit,
      durability: durability ?? options.durability)
  }

  private static var settleInterval: UInt64 { 64 }

  /// Runs `body` as the only one who changes the model, and does afterwards what has become due.
  func change<R>(_ body: (inout WorkingModel<Model>) throws -> R) throws -> R {
    do {
      let (result, needsImage, trimming) = try working.withLock { working in
        let result = try body(&working)
        let needsImage = working.needsImage(options.snapshots)
        if needsImage { working.isImageScheduled = true }
        return (result, needsImage, trim(&working))
      }
      if needsImage { scheduleImage() }
      if trimming.needsCopy { catchUp() }
      if trimming.needsLook { try lookAtStore() }
      return result
    } catch let error as PrevalenceError where error.isFatal {
      fail(error)
      throw error
    }
  }

  struct Performed<R> {
    let result: R
    let number: UInt64
    /// `nil` when nothing was written.
    let commit: UInt64?
  }

  private func encode<C: Command>(_ command: C) throws(PrevalenceError) -> [UInt8]
  where C.Model == Model {
    if isReadOnly { throw .readOnly }
    guard loader.registry.contains(C.self) else { throw .unregistered(name: C.name) }
    var payload: [UInt8] = []
    do {
      try C.codec.encode(command, into: &payload)
    } catch {
      throw .notEncodable(name: C.name, reason: "\(error)")
    }
    return payload
  }

  private func perform<C: Command>(
    _ command: C, _ payload: [UInt8], on working: inout WorkingModel<Model>
  ) throws -> Performed<C.Result> where C.Model == Model {
    try checkUsable(working)
    try verify(C.self, payload, &working)
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
    try command.validate(working.model, in: &context)
    leave(shared: &working)
    let result: C.Result
    do {
      result = try command.execute(on: &working.model, in: &context)
    } catch {
      if !C.throwsOnlyUnchanged { try rollBack(&working) }
      throw error
    }
    if context.isUnjournaled {
      if !context.events.isEmpty { events.add(context.events, of: working.number) }
      return Performed(result: result, number: working.number, commit: nil)
    }
    try log(&working, context) { bytes in
      JournalRecord.appendForm(C.name, version: C.version, to: &bytes)
      bytes.append(contentsOf: payload)
      return payload.count
    }
    return Performed(result: result, number: working.number, commit: working.commit)
  }

  func checkUsable(_ working: borrowing WorkingModel<Model>) throws(PrevalenceError) {
    try checkOpen()
    if let failure = working.failure { throw failure }
  }

  /// Decodes a command again, as a trial.
  private func verify<C: Command>(
    _ type: C.Type, _ payload: [UInt8], _ working: inout WorkingModel<Model>
  ) throws(PrevalenceError) {
    switch options.verification {
    case .none: return
    case .firstOfEachType:
      guard !working.verified.contains(ObjectIdentifier(type)) else { return }
    case .every: break
    }
    do {
      _ = try C.codec.decode(payload[...])
    } catch {
      throw .notReadable(name: C.name, reason: "\(error)")
    }
    working.verified.insert(ObjectIdentifier(type))
  }

  /// Writes what was executed to the journal; when that fails, it is undone.
  ///
  /// `appendCommand` appends the type and the bytes of the command, and returns how many these are.
  func log(
    _ working: inout WorkingModel<Model>, _ context: CommandContext, hash: UInt64? = nil,
    _ appendCommand: (inout [UInt8]) -> Int
  ) throws {
    do {
      let hash = try hash ?? dueHash(context.number, working.model)
      var lsn: UInt64 = 0
      let bytesBefore = working.recent.byteCount
      try working.recent.append { bytes in
        let start = bytes.count
        JournalRecord.appendHead(time: context.now, hash: hash, to: &bytes)
        let payload = appendCommand(&bytes)
        let span = bytes.span
        lsn = try journal.append(
          context.number, span.extracting(start..<span.count), payload: payload)
        return lsn
      }
      working.commit = lsn
      working.number = context.number
      working.time = context.now
      working.bytesSinceImage += working.recent.byteCount - bytesBefore
      if !context.events.isEmpty { events.add(context.events, of: context.number) }
    } catch {
      if (error as? PrevalenceError)?.isFatal != true { try rollBack(&working) }
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

  /// Waits until a command is as durable as asked, and shows it.
  func settle(
    _ commit: UInt64, _ number: UInt64, _ durability: Durability
  ) throws(PrevalenceError) {
    do throws(PrevalenceError) {
      // What waits for nothing looks now and then whether very much is unwritten.
      if durability != .manual || number % Self.settleInterval == 0 {
        try journal.settle(commit, durability)
      }
    } catch {
      fail(error)
      throw error
    }
    show(upTo: number)
    events.deliver { visible.load(ordering: .acquiring) }
  }

  /// Refuses commands from now on.
  func fail(_ error: PrevalenceError) {
    let isFirst = working.withLock { working in
      working.failure = working.failure ?? error
      return phase.compareExchange(
        expected: .works, desired: .failed, ordering: .acquiringAndReleasing
      ).exchanged
    }
    if isFirst { options.onFailure?(error) }
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

/// A command that was executed, and is durable once it was waited for.
public struct Submission<Model: Sendable, Result: Sendable>: Sendable {
  let system: PrevalentSystem<Model>
  /// The result, which may not be acknowledged yet.
  public let result: Result
  /// The number of the command, or of the last one before it when it was left out of the journal.
  public let number: UInt64
  let commit: UInt64?
  let durability: Durability

  /// Waits until the command is as durable as asked and queries see it, and returns the result.
  ///
  /// - Throws: `PrevalenceError.engine(.poisoned)` when the disk has failed: the command may be lost.
  @discardableResult
  public func wait() throws(PrevalenceError) -> Result {
    if let commit { try system.settle(commit, number, durability) }
    return result
  }
}
