// SPDX-License-Identifier: Apache-2.0

import CStorageSystem
import Glibc

/// Announces which threads may be looking at frames of the pool.
///
/// A thread inside an epoch may follow pointers to frames; a frame taken out of use is handed out
/// again only when every thread that was inside then has left. Entering and leaving write one
/// cache line that belongs to the thread, and nothing shared.
@safe
final class EpochTable: @unchecked Sendable {
  private static let slotCount = 256
  private static let wordsPerLine = 16
  private let words: UnsafeMutablePointer<UInt64>

  init() {
    let count = (Self.slotCount + 1) * Self.wordsPerLine
    unsafe words = .allocate(capacity: count)
    unsafe words.initialize(repeating: 0, count: count)
    unsafe words[0] = 1
  }

  deinit {
    unsafe words.deallocate()
  }

  @inline(__always)
  private static func line(
    _ slot: Int, of words: UnsafeMutablePointer<UInt64>
  ) -> UnsafeMutablePointer<UInt64> {
    unsafe words + (slot &+ 1) &* wordsPerLine
  }

  /// Enters; the result goes to `leave`.
  ///
  /// Threads that share a slot by chance take the next.
  @inline(__always)
  func enter() -> Int {
    // Not to count references to the table while this goes round.
    let words = unsafe words
    // A thread's address is stable and free to get; its stack alignment is shifted away.
    let mixed = (UInt64(pthread_self()) >> 12) &* 0x9E37_79B9_7F4A_7C15
    var slot = Int(truncatingIfNeeded: mixed >> 56)
    while true {
      let epoch = unsafe storage_load_acquire_u64(words)
      if unsafe storage_compare_exchange_u64(Self.line(slot, of: words), 0, epoch) { return slot }
      slot = (slot + 1) % Self.slotCount
    }
  }

  @inline(__always)
  func leave(_ slot: Int) {
    unsafe storage_store_release_u64(Self.line(slot, of: words), 0)
  }

  /// Starts a new epoch and returns the one that ended.
  func advance() -> UInt64 {
    unsafe storage_fetch_add_u64(words, 1)
  }

  /// The oldest epoch any thread is inside, or the largest number when none is.
  func oldest() -> UInt64 {
    storage_fence_sequential()
    var oldest = UInt64.max
    for slot in 0..<Self.slotCount {
      let epoch = unsafe storage_load_sequential_u64(Self.line(slot, of: words))
      if epoch != 0 && epoch < oldest { oldest = epoch }
    }
    return oldest
  }
}
