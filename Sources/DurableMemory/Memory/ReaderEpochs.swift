// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Announces since when readers may be looking at the memory of a map.
///
/// A reader writes the number of the present epoch into a line of its own before it looks, and
/// clears it afterwards; it writes nothing that others share. What was taken out of the map in an
/// epoch is used again when every reader that is inside came in a later one:
/// - it was taken out before the epoch ended, so a reader that saw the next number saw it gone;
/// - a reader that saw an earlier number has it in its line, or has left, or has not yet looked:
///   then its look comes after this one's, and finds it gone.
@safe
final class ReaderEpochs: @unchecked Sendable {
  private static let lineCount = 64
  private static let wordsPerLine = 16
  /// What `enter` returns when all lines are taken.
  private static let noLine = -1

  /// The epoch in the first line; the readers' lines follow.
  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  private let wordCount = (lineCount + 1) * wordsPerLine
  /// Readers that found no line; while there are any, nothing is used again.
  private let crowd = Atomic<Int>(0)

  init() {
    unsafe words = .allocate(capacity: wordCount)
    for index in 0..<wordCount { unsafe (words + index).initialize(to: Atomic(0)) }
    unsafe words[0].store(1, ordering: .relaxed)
  }

  deinit {
    unsafe words.deallocate()
  }

  /// Enters; the result goes to `leave`.
  ///
  /// May be nested. Threads that share a line by chance take the next.
  @inline(__always)
  func enter() -> Int {
    // A thread's address is stable and free to get; its alignment is shifted away.
    let thread = UInt64(truncatingIfNeeded: UInt(truncatingIfNeeded: pthread_self()) >> 12)
    let line = Int(truncatingIfNeeded: (thread &* 0x9E37_79B9_7F4A_7C15) >> 58)
    if tryEnter(line) { return line }
    return enterAnother(line)
  }

  @inline(__always)
  private func tryEnter(_ line: Int) -> Bool {
    let epoch = unsafe words[0].load(ordering: .acquiring)
    return unsafe words[(line + 1) * Self.wordsPerLine].compareExchange(
      expected: 0, desired: epoch, ordering: .sequentiallyConsistent
    ).exchanged
  }

  @inline(never)
  private func enterAnother(_ taken: Int) -> Int {
    for step in 1..<Self.lineCount {
      let line = (taken + step) % Self.lineCount
      if tryEnter(line) { return line }
    }
    crowd.add(1, ordering: .sequentiallyConsistent)
    return Self.noLine
  }

  @inline(__always)
  func leave(_ line: Int) {
    guard line >= 0 else {
      crowd.subtract(1, ordering: .sequentiallyConsistent)
      return
    }
    unsafe words[(line + 1) * Self.wordsPerLine].store(0, ordering: .releasing)
  }

  /// The epoch that began last.
  @inline(__always)
  var current: UInt64 { unsafe words[0].load(ordering: .relaxed) }

  /// Begins a new epoch.
  func advance() {
    unsafe words[0].add(1, ordering: .sequentiallyConsistent)
  }

  /// The oldest epoch that any reader came in, or the largest number when none is inside.
  func oldest() -> UInt64 {
    if crowd.load(ordering: .sequentiallyConsistent) > 0 { return 0 }
    var oldest = UInt64.max
    for line in 1...Self.lineCount {
      let epoch = unsafe words[line * Self.wordsPerLine].load(ordering: .sequentiallyConsistent)
      if epoch != 0 && epoch < oldest { oldest = epoch }
    }
    return oldest
  }
}
