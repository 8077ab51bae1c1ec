// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

extension SyncSession {
  /// Sending: at most one batch on its way and one read ahead.
  struct Push: Sendable {
    let agreement: Agreement
    /// What the peer has, and what is on its way to it.
    var position: VersionVector
    var onItsWay: [EncodedTransaction]?
    var readAhead: [EncodedTransaction]?
    var isReading = false
    var hasReadLast = false
  }

  mutating func beginPush(_ agreement: Agreement, at now: UInt64) {
    guard agreement.plan.toPush > 0 else { return close() }
    var push = Push(agreement: agreement, position: agreement.peer.received)
    effects.append(.openJournal(since: agreement.peer.received))
    readOn(&push)
    state = .pushing(push)
  }

  mutating func continuePush(
    _ current: Push, _ event: Event, at now: UInt64
  ) throws(SyncError) {
    var push = current
    switch event {
    case .read(let transactions, let isLast) where push.isReading:
      push.isReading = false
      push.hasReadLast = isLast
      push.readAhead = transactions.isEmpty ? nil : transactions
    case .answered(.acknowledgement(let acknowledgement, let bytes)):
      guard let sent = push.onItsWay else { throw unexpected(event) }
      push.onItsWay = nil
      askedAt = nil
      try confirm(sent, acknowledgement, bytes: bytes)
    default:
      throw unexpected(event)
    }
    if push.onItsWay == nil, let next = push.readAhead {
      push.readAhead = nil
      push.onItsWay = next
      send(next, &push, at: now)
    }
    readOn(&push)
    if push.hasReadLast, push.onItsWay == nil, push.readAhead == nil {
      close()
    } else {
      state = .pushing(push)
    }
  }

  private mutating func send(
    _ transactions: [EncodedTransaction], _ push: inout Push, at now: UInt64
  ) {
    let batch = SentBatch(
      storeID: push.agreement.plan.storeID, since: push.position, transactions: transactions)
    for transaction in transactions {
      push.position[transaction.dot.origin] = transaction.dot.sequence
    }
    ask(.push(batch), at: now)
  }

  private mutating func readOn(_ push: inout Push) {
    guard !push.hasReadLast, !push.isReading, push.readAhead == nil else { return }
    push.isReading = true
    effects.append(.read(bytes: options.pushBytes))
  }

  /// A peer that acknowledges must have what it was sent: else the next session would send it
  /// again, for ever.
  private mutating func confirm(
    _ sent: [EncodedTransaction], _ acknowledgement: Acknowledgement, bytes: UInt64
  ) throws(SyncError) {
    if let missing = sent.first(where: { !acknowledgement.received.covers($0.dot) }) {
      throw SyncError(.failed, "the peer has not taken transaction \(missing.dot)")
    }
    report.pushed.add(SyncCount(sent))
    report.heldByPeer = acknowledgement.held
    report.bytesSent &+= bytes
    effects.append(.progress(progress(.push)))
  }
}
