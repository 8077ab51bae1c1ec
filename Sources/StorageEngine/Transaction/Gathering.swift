// SPDX-License-Identifier: Apache-2.0

/// Whether, and how long, the leader of a flush waits for those who are about to commit again.
///
/// Threads that commit over and over fall into two parts, of which one commits while the other's flush
/// is under way: each flush has half of them. Those whom the last flush has released need some
/// microseconds to commit again; a leader who waits for them has all in one flush.
struct Gathering {
  private static let longest: Duration = .microseconds(50)
  /// Waits in a row for which nobody came, after which there is none but now and then.
  private static let mostInVain = 4
  private static let roundsBetweenTries = 32

  /// How many had to do with the last flush: those it has released, and those who came too late for
  /// it.
  private(set) var participants = 1
  private var lastFlush: Duration = .zero
  private var inVain = 0
  private var rounds = 0

  /// How long to wait at most: no longer than half a flush, which it is to save.
  var limit: Duration { min(Self.longest, lastFlush / 2) }

  /// Notes a flush.
  mutating func noteFlush(lasting duration: Duration, participants: Int) {
    lastFlush = duration
    self.participants = participants
  }

  /// Whether to wait where so many have come.
  mutating func isWorthwhile(having count: Int) -> Bool {
    guard count < participants else { return false }
    rounds += 1
    return inVain < Self.mostInVain || rounds % Self.roundsBetweenTries == 0
  }

  /// Notes how many came while it was waited.
  mutating func noteWait(gained: Int) {
    inVain = gained > 0 ? 0 : inVain + 1
  }
}
