// SPDX-License-Identifier: Apache-2.0

import CStorageSystem

/// Lets many threads share one flush.
///
/// The first thread that wants its commit flushed becomes the leader: it takes everything that is
/// sealed, writes it, flushes once, and hands the lead to the next waiter whose commit came too
/// late for it, before it wakes those who are done. It may wait some microseconds for those who are about
/// to commit again (`Gathering`).
final class CommitQueue: @unchecked Sendable {
  /// What a waiter is told, in the word it sleeps on.
  private enum Signal {
    static let waiting: UInt32 = 0
    static let done: UInt32 = 1
    static let lead: UInt32 = 2
  }

  /// Safe to keep because the thread that waits stays in `sleep` until it is taken out.
  @safe
  private struct Waiter {
    let lsn: UInt64
    let flushed: Bool
    let word: UnsafeMutablePointer<UInt32>
  }

  private let lock = Lock()
  @safe @exclusivity(unchecked) private var waiters: [Waiter] = []
  @safe @exclusivity(unchecked) private var hasLeader = false
  /// Used by the leader alone, under the lock where a flush is noted.
  @safe @exclusivity(unchecked) private var gathering = Gathering()
  @safe @exclusivity(unchecked) private var writtenLSN: UInt64
  @safe @exclusivity(unchecked) private var flushedLSN: UInt64
  @safe @exclusivity(unchecked) private var failure: EngineError?

  init(lsn: UInt64) {
    writtenLSN = lsn
    flushedLSN = lsn
  }

  /// The last transaction known to be flushed.
  var durableLSN: UInt64 { lock.withLock { flushedLSN } }

  /// Why nothing can be written any more, if so.
  var poison: EngineError? { lock.withLock { failure } }

  private func isReached(_ lsn: UInt64, flushed: Bool) -> Bool {
    lsn <= (flushed ? flushedLSN : writtenLSN)
  }

  /// Returns when `lsn` is written, and flushed if asked for.
  ///
  /// `lead` does the work when it falls to this thread, and returns the LSN it reached.
  func wait(
    for lsn: UInt64, flushed: Bool, lead: (Bool) throws(EngineError) -> UInt64
  ) throws(EngineError) {
    lock.lock()
    while true {
      if isReached(lsn, flushed: flushed) {
        lock.unlock()
        return
      }
      if let failure {
        lock.unlock()
        throw failure
      }
      if !hasLeader {
        hasLeader = true
        lock.unlock()
        try leadOnce(flushed, lead)
        lock.lock()
        continue
      }
      if try sleep(lsn, flushed) { try leadOnce(flushed, lead) }
      lock.lock()
    }
  }

  /// Waits for a signal; true when this thread shall lead.
  ///
  /// Called with the lock, returns without.
  private func sleep(_ lsn: UInt64, _ flushed: Bool) throws(EngineError) -> Bool {
    var word = Signal.waiting
    return unsafe withUnsafeMutablePointer(to: &word) { word in
      waiters.append(unsafe Waiter(lsn: lsn, flushed: flushed, word: word))
      lock.unlock()
      while unsafe storage_load_acquire_u32(word) == Signal.waiting {
        _ = unsafe storage_futex_wait(word, Signal.waiting)
      }
      return unsafe storage_load_acquire_u32(word) == Signal.lead
    }
  }

  private func leadOnce(
    _ flushed: Bool, _ lead: (Bool) throws(EngineError) -> UInt64
  ) throws(EngineError) {
    if flushed { gather() }
    let start = flushed ? ContinuousClock.now : nil
    do {
      let lsn = try lead(flushed)
      finish(lsn: lsn, flushed: flushed, failure: nil, lasting: start.map { .now - $0 })
    } catch {
      finish(lsn: 0, flushed: flushed, failure: error)
      throw error
    }
  }

  /// Waits for those to commit again whom the last flush has released.
  private func gather() {
    let before = lock.withLock { waiters.count + 1 }
    guard gathering.isWorthwhile(having: before) else { return }
    let deadline = Deadline(after: gathering.limit)
    let latest = Deadline(after: gathering.limit * 4)
    var count = before
    while count < gathering.participants, !deadline.isOver {
      SystemCalls.yield()
      count = lock.withLock { waiters.count + 1 }
    }
    // Where others have work for the processors, a yield may take longer than it gains.
    gathering.noteWait(gained: latest.isOver ? 0 : count - before)
  }

  /// Tells those who are done, and the next leader first; `lasting` is how long a flush has taken.
  private func finish(
    lsn: UInt64, flushed: Bool, failure: EngineError?, lasting: Duration? = nil
  ) {
    lock.lock()
    writtenLSN = max(writtenLSN, lsn)
    if flushed { flushedLSN = max(flushedLSN, lsn) }
    if let failure, self.failure == nil { self.failure = failure }
    if let lasting { gathering.noteFlush(lasting: lasting, participants: waiters.count + 1) }
    var done: [Waiter] = []
    var successor: Waiter?
    waiters.removeAll { waiter in
      if self.failure != nil || isReached(waiter.lsn, flushed: waiter.flushed) {
        done.append(waiter)
        return true
      }
      guard successor == nil else { return false }
      successor = waiter
      return true
    }
    hasLeader = successor != nil
    lock.unlock()
    if let successor = successor { wake(successor, Signal.lead) }
    for waiter in done { wake(waiter, Signal.done) }
  }

  private func wake(_ waiter: Waiter, _ signal: UInt32) {
    // The waiter may be gone as soon as the word is set: the address is only named to the kernel.
    let word = unsafe waiter.word
    unsafe storage_store_release_u32(word, signal)
    _ = unsafe storage_futex_wake(word, 1)
  }

  /// Refuses everything from now on.
  func fail(_ error: EngineError) {
    lock.lock()
    if failure == nil { failure = error }
    let all = waiters
    waiters = []
    lock.unlock()
    for waiter in all { wake(waiter, Signal.done) }
  }

  /// Leads once, whatever is written already, as soon as the present leader is done.
  func leadNext(_ lead: (Bool) throws(EngineError) -> UInt64) throws(EngineError) {
    while true {
      lock.lock()
      if let failure {
        lock.unlock()
        throw failure
      }
      if !hasLeader {
        hasLeader = true
        lock.unlock()
        return try leadOnce(true, lead)
      }
      // No commit reaches this number, so the only answers are the lead and a failure.
      if try sleep(.max, true) { return try leadOnce(true, lead) }
    }
  }
}
