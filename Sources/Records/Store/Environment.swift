// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal
import Glibc

/// What a store takes from the world besides its file: the time and randomness.
public struct Environment: Sendable {
  /// Milliseconds since 1970.
  public var now: @Sendable () -> UInt64
  /// So many random bytes, fit for identities that must never be equal.
  public var randomBytes: @Sendable (Int) -> [UInt8]
  /// How far in the future, in milliseconds, a transaction may lie and still be applied.
  public var maximumAhead: UInt64

  /// An environment; tests pass clocks and generators of their own.
  public init(
    now: @escaping @Sendable () -> UInt64, randomBytes: @escaping @Sendable (Int) -> [UInt8],
    maximumAhead: UInt64 = AdmissionPolicy.defaultMaximumAhead
  ) {
    self.now = now
    self.randomBytes = randomBytes
    self.maximumAhead = maximumAhead
  }

  /// The system's clock and random generator.
  public static let system = Environment(
    now: {
      var time = timespec()
      _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
      // A clock before 1970 is taken as 1970; the hybrid clock goes on from there.
      return UInt64(max(0, time.tv_sec)) * 1000 + UInt64(max(0, time.tv_nsec)) / 1_000_000
    },
    randomBytes: { count in
      var generator = SystemRandomNumberGenerator()
      return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    })
}
