// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization

/// Keeping the part of the journal that is in memory short.
extension PrevalentSystem {
  /// How far copies may lag behind before they are given up, or caught up if they are to be kept.
  static var mostLag: UInt64 { 16_384 }
  private static var trimInterval: UInt64 { 1024 }

  /// Forgets what is not needed of the journal in memory, and says what is to be done to forget more.
  func trim(_ working: inout WorkingState, _ outcome: inout CommandOutcome) {
    // Long commands are looked at sooner.
    let isLong = working.recent.byteCount > working.bytesToLook
    guard isLong || working.number % Self.trimInterval == 0 else { return }
    var oldest = gallery.oldest ?? working.number
    let lags = working.number - min(oldest, working.number) > Self.mostLag
    if lags, !working.keepsSecondCopy {
      gallery.clear()
      oldest = gallery.oldest ?? working.number
    }
    working.recent.forget(upTo: min(oldest, working.stored))
    outcome.needsLook = working.recent.byteCount > working.bytesToLook
    if outcome.needsLook { working.bytesToLook = .max }
    outcome.needsCopy = lags && working.keepsSecondCopy
  }

  /// Finds out up to which command the pages of the store have the journal.
  func lookAtStore() throws(PrevalenceError) {
    let view = try PrevalenceError.wrapping { () throws(EngineError) in try database.snapshot() }
    defer { view.close() }
    let last = try journal.bounds(in: view)?.upperBound ?? 0
    // What a crash could take back does not count.
    try journal.settle(view.lsn, .synced)
    working.withLock { working in
      // An image may have commands that the pages do not have, and that somebody asks for.
      working.stored = max(working.stored, last, working.firstEntry - 1)
      working.recent.forget(upTo: min(gallery.oldest ?? working.number, working.stored))
      working.bytesToLook = working.recent.byteCount + WorkingState.storeLookBytes
    }
  }

  /// Looks at the store beside a command, which stands whatever is met there.
  func lookAtStoreInPassing() {
    do throws(PrevalenceError) {
      try lookAtStore()
    } catch {
      working.withLock { $0.bytesToLook = $0.recent.byteCount + WorkingState.storeLookBytes }
      if error.isFatal { fail(error) } else { options.onFailure?(error) }
    }
  }

  /// Brings the second copy up to date, where the journal in memory would become too long.
  func catchUp() {
    defer { deliverEvents() }
    showing.withLock {
      do throws(PrevalenceError) {
        try showNewest(reading: false)
      } catch {
        // The next command or query meets it as well.
        options.onFailure?(error)
      }
    }
  }
}
