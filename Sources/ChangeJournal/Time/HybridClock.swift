// SPDX-License-Identifier: Apache-2.0

/// A hybrid logical clock as a plain value: time is passed in, nothing is read from the system.
///
/// Every timestamp it gives is above every one it gave or observed before. When the physical clock
/// stands still or goes back, the counter goes on; when the counter is full, the next millisecond
/// is borrowed.
public struct HybridClock: Hashable, Sendable {
  /// The highest timestamp given or observed.
  public private(set) var last: HybridTimestamp

  /// Continues after a timestamp.
  public init(last: HybridTimestamp = HybridTimestamp(rawValue: 0)) {
    self.last = last
  }

  /// Gives a timestamp for an event at `now` (milliseconds since 1970).
  ///
  /// - Throws: `.clockExhausted` when no later timestamp can be written.
  public mutating func next(now: UInt64) throws(JournalError) -> HybridTimestamp {
    let physical = HybridTimestamp(milliseconds: now)
    if physical > last {
      last = physical
      return last
    }
    guard last.rawValue < .max else { throw .clockExhausted }
    last = HybridTimestamp(rawValue: last.rawValue + 1)
    return last
  }

  /// Makes every later timestamp greater than `timestamp`.
  public mutating func observe(_ timestamp: HybridTimestamp) {
    last = max(last, timestamp)
  }
}
