// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

extension SyncSession {
  /// Receiving: at most one batch on its way, one waiting and one being applied.
  struct Pull: Sendable {
    let agreement: Agreement
    /// What we have, and what is on its way to the store.
    var position: VersionVector
    var waiting: ReceivedBatch?
    var isTaking = false
    var isAsking = false
    var takingCount = SyncCount()
    var hasSeenLast = false
  }

  mutating func beginPull(_ agreement: Agreement, at now: UInt64) {
    guard agreement.plan.toPull > 0 else { return beginPush(agreement, at: now) }
    var pull = Pull(agreement: agreement, position: agreement.mine.received)
    askForMore(&pull, at: now)
    state = .pulling(pull)
  }

  mutating func continuePull(
    _ current: Pull, _ event: Event, at now: UInt64
  ) throws(SyncError) {
    var pull = current
    switch event {
    case .answered(.batch(let batch)) where pull.isAsking:
      pull.isAsking = false
      askedAt = nil
      try accept(batch, &pull)
      if pull.isTaking { pull.waiting = batch } else { take(batch, &pull) }
    case .taken where pull.isTaking:
      pull.isTaking = false
      finishTaking(&pull)
      if let waiting = pull.waiting {
        pull.waiting = nil
        take(waiting, &pull)
      }
    default:
      throw unexpected(event)
    }
    askForMore(&pull, at: now)
    if pull.hasSeenLast, !pull.isTaking {
      beginPush(pull.agreement, at: now)
    } else {
      state = .pulling(pull)
    }
  }

  /// Goes on until the store has all that came: on a bad line this is how any progress is made.
  mutating func drain(_ current: Pull, _ error: SyncError) throws(SyncError) {
    guard current.isTaking || current.waiting != nil else { throw error }
    askedAt = nil
    state = .draining(current, error)
  }

  mutating func continueDraining(_ current: Pull, _ error: SyncError) throws(SyncError) {
    var pull = current
    pull.isTaking = false
    finishTaking(&pull)
    guard let waiting = pull.waiting, !waiting.transactions.isEmpty else { throw error }
    pull.waiting = nil
    take(waiting, &pull)
    state = .draining(pull, error)
  }

  private mutating func askForMore(_ pull: inout Pull, at now: UInt64) {
    guard !pull.hasSeenLast, !pull.isAsking, pull.waiting == nil else { return }
    pull.isAsking = true
    ask(.pull(since: pull.position, bytes: options.pullBytes), at: now)
  }

  /// Checks that the batch continues the position without a gap, and that the peer makes progress.
  private mutating func accept(_ batch: ReceivedBatch, _ pull: inout Pull) throws(SyncError) {
    guard batch.storeID == pull.agreement.plan.storeID else {
      throw SyncError(.storeMismatch, "the peer sent transactions of another data set")
    }
    for transaction in batch.transactions {
      let dot = transaction.dot
      guard dot.sequence == pull.position[dot.origin] + 1 else {
        throw .corrupt("the peer sent transaction \(dot) out of its place")
      }
      pull.position[dot.origin] = dot.sequence
    }
    guard batch.isLast || !batch.transactions.isEmpty else {
      throw .corrupt("the peer sent nothing and says that there is more")
    }
    pull.hasSeenLast = batch.isLast
    report.bytesReceived &+= batch.bytes
  }

  private mutating func take(_ batch: ReceivedBatch, _ pull: inout Pull) {
    guard !batch.transactions.isEmpty else { return }
    pull.isTaking = true
    pull.takingCount = SyncCount(batch.transactions)
    effects.append(.take(batch.transactions, of: batch.storeID))
  }

  private mutating func finishTaking(_ pull: inout Pull) {
    report.pulled.add(pull.takingCount)
    effects.append(.progress(progress(.pull)))
  }
}

extension SyncCount {
  init(_ transactions: [EncodedTransaction]) {
    self.transactions = UInt64(transactions.count)
    records = transactions.reduce(0) { $0 &+ UInt64($1.header.operationCount) }
  }

  mutating func add(_ other: SyncCount) {
    transactions &+= other.transactions
    records &+= other.records
  }
}
