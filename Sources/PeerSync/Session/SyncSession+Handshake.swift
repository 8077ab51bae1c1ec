// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

extension SyncSession {
  mutating func greet(_ facts: ReplicaFacts, at now: UInt64) {
    state = .greeting(facts, since: now)
    ask(.hello(facts.hello), at: now)
  }

  /// Asks the store once more, now that the peer has spoken: what we wrote in between must not
  /// look like transactions that we have lost.
  mutating func compare(_ before: ReplicaFacts, peer: Hello, roundTrip: UInt64) {
    askedAt = nil
    let middle = before.hello.clock.addingReportingOverflow(roundTrip / 2).partialValue
    state = .comparing(
      before: before, peer: peer, clockOffset: Self.difference(peer.clock, middle))
    effects.append(.examine(peer.heads.map(\.dot)))
  }

  mutating func agree(
    before: ReplicaFacts, mine: ReplicaFacts, peer: Hello, clockOffset: Int64, at now: UInt64
  ) throws(SyncError) {
    _ = try Handshake.agreeOnVersion(mine.hello, peer)
    try Handshake.checkForFork(mine: mine, peer: peer)
    try Handshake.checkForRollback(of: mine.hello, witness: peer)
    try Handshake.checkForRollback(of: peer, witness: before.hello)
    let plan = try Handshake.plan(
      mine: mine.hello, peer: peer, options: options, clockOffset: clockOffset)
    report.plan = plan
    report.held = mine.hello.held
    report.heldByPeer = peer.held
    report.position = mine.hello.applied
    effects.append(.progress(progress(.handshake)))
    if options.isDryRun {
      state = .ended
      effects.append(.finished(report))
      return
    }
    let agreement = Agreement(plan: plan, mine: mine.hello, peer: peer)
    guard plan.adoptsPeer else { return beginPull(agreement, at: now) }
    state = .adopting(agreement)
    effects.append(.adopt(plan.storeID, force: options.adopt))
  }

  func progress(_ phase: SyncProgress.Phase) -> SyncProgress {
    let (count, total, bytes) =
      switch phase {
      case .handshake: (SyncCount(), UInt64(0), UInt64(0))
      case .pull: (report.pulled, report.plan?.toPull ?? 0, report.bytesReceived)
      case .push: (report.pushed, report.plan?.toPush ?? 0, report.bytesSent)
      }
    return SyncProgress(
      phase: phase, done: count.transactions, total: max(total, count.transactions),
      records: count.records, bytes: bytes)
  }

  /// `one - two`, at the ends of the range where it does not fit.
  private static func difference(_ one: UInt64, _ two: UInt64) -> Int64 {
    one >= two
      ? Int64(clamping: one - two)
      : -Int64(clamping: two - one)
  }
}
