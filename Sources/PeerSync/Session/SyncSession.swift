// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// One sync with one peer, as a state machine: events in, effects out.
///
/// It does no I/O, reads no clock and starts no thread, so a simulator can drive it as well as a
/// carrier.
///
/// ```
/// idle ─► examining ─► greeting ─► comparing ─► (adopting)
///      ─► pulling ─► pushing ─► closing ─► ended
/// ```
///
/// * Whoever drives it performs every effect, in any order and at the same time, and reports each
///   with one event.
/// * It never waits for the peer and its own store in turn: while one batch is applied the next is
///   asked for, while one is acknowledged the next is read.
/// * Nothing is remembered between sessions. The position is the version vector of what is
///   durable, so a session cut anywhere is resumed by starting another.
public struct SyncSession: Sendable {
  /// What happened.
  public enum Event: Sendable {
    /// Begin.
    case start
    /// `.examine` is done.
    case examined(ReplicaFacts)
    /// `.adopt` is done.
    case adopted
    /// The peer answered `.request`.
    case answered(SyncAnswer)
    /// `.take` is done.
    case taken(TakeOutcome)
    /// `.read` is done; `isLast` says that the journal has no more.
    case read([EncodedTransaction], isLast: Bool)
    /// Time passed: an answer that takes too long ends the session.
    case tick
    /// The peer refused `.request`, or could not be asked.
    case refused(SyncError)
    /// Another effect failed.
    case failed(SyncError)
  }

  /// What is to be done.
  public enum Effect: Sendable {
    /// Ask the store for its facts, and the chain hashes at these transactions.
    case examine([Dot])
    /// Have the store become a replica of another data set.
    case adopt(StoreID, force: Bool)
    /// Ask the peer.
    case request(SyncRequest)
    /// Hand transactions of a data set to the store.
    case take([EncodedTransaction], of: StoreID)
    /// Read the journal from here: the next `.read` starts at it.
    ///
    /// Reported by nothing.
    case openJournal(since: VersionVector)
    /// Read on: at least one transaction, then up to so many canonical bytes.
    case read(bytes: Int)
    /// Show how far it is.
    ///
    /// Reported by nothing.
    case progress(SyncProgress)
    /// Done.
    ///
    /// The last effect.
    case finished(SyncReport)
    /// Failed.
    ///
    /// The last effect.
    case failed(SyncError)
  }

  enum State: Sendable {
    case idle
    case examining
    case greeting(ReplicaFacts, since: UInt64)
    case comparing(before: ReplicaFacts, peer: Hello, clockOffset: Int64)
    case adopting(Agreement)
    case pulling(Pull)
    /// The peer is gone, and what came from it is still to be handed to the store.
    case draining(Pull, SyncError)
    case pushing(Push)
    case closing
    case ended
  }

  /// What both sides have agreed on.
  struct Agreement: Sendable {
    var plan: SyncPlan
    var mine: Hello
    var peer: Hello
  }

  /// What has been done so far; also meaningful after a failure.
  public internal(set) var report = SyncReport()

  let options: SyncOptions
  var state = State.idle
  var effects: [Effect] = []
  /// Since when the peer owes an answer.
  var askedAt: UInt64?

  /// Creates a session that waits for `.start`.
  public init(options: SyncOptions = SyncOptions()) {
    self.options = options
  }

  /// Whether the session has finished or failed.
  public var hasEnded: Bool {
    if case .ended = state { true } else { false }
  }

  /// Takes an event and returns what is to be done.
  ///
  /// After the end every event is ignored.
  ///
  /// - Parameters:
  ///   - event: What happened.
  ///   - now: Milliseconds on a clock that never goes back.
  public mutating func handle(_ event: Event, at now: UInt64) -> [Effect] {
    guard !hasEnded else { return [] }
    effects = []
    do throws(SyncError) {
      try step(event, at: now)
    } catch {
      fail(error)
    }
    defer { effects = [] }
    return effects
  }

  private mutating func step(_ event: Event, at now: UInt64) throws(SyncError) {
    switch (state, event) {
    case (_, .failed(let error)):
      throw error
    case (_, .tick):
      guard let askedAt, now >= askedAt, now - askedAt >= options.answerTimeout else { return }
      self.askedAt = nil
      let seconds = options.answerTimeout / 1000
      try step(.refused(.timeout("the peer has not answered for \(seconds) seconds")), at: now)
    case (.idle, .start):
      state = .examining
      effects.append(.examine([]))
    case (.examining, .examined(let facts)):
      greet(facts, at: now)
    case (.greeting(let facts, let since), .answered(.hello(let peer))):
      compare(facts, peer: peer, roundTrip: now >= since ? now - since : 0)
    case (.comparing(let before, let peer, let clockOffset), .examined(let facts)):
      try agree(before: before, mine: facts, peer: peer, clockOffset: clockOffset, at: now)
    case (.adopting(let agreement), .adopted):
      beginPull(agreement, at: now)
    case (.pulling(let pull), .refused(let error)):
      try drain(pull, error)
    case (.draining(let pull, let error), .taken):
      try continueDraining(pull, error)
    case (.draining, .answered), (.draining, .refused):
      // Too late: the peer was given up, and the next session asks again.
      return
    case (_, .refused(let error)):
      throw error
    case (.pulling(let pull), _):
      try continuePull(pull, event, at: now)
    case (.pushing(let push), _):
      try continuePush(push, event, at: now)
    case (.closing, .examined(let facts)):
      finish(facts)
    default:
      throw unexpected(event)
    }
  }

  /// Asks the peer, and remembers since when it owes an answer.
  mutating func ask(_ request: SyncRequest, at now: UInt64) {
    askedAt = now
    effects.append(.request(request))
  }

  /// Asks the store what it has now; the answer ends the session.
  mutating func close() {
    askedAt = nil
    state = .closing
    effects.append(.examine([]))
  }

  private mutating func finish(_ facts: ReplicaFacts) {
    report.held = facts.hello.held
    report.position = facts.hello.applied
    state = .ended
    effects.append(.finished(report))
  }

  private mutating func fail(_ error: SyncError) {
    state = .ended
    effects = [.failed(error)]
  }

  func unexpected(_ event: Event) -> SyncError {
    switch event {
    case .answered: .corrupt("the peer answered something else than it was asked")
    default: SyncError(.failed, "the session was driven out of order")
    }
  }
}
