// SPDX-License-Identifier: Apache-2.0

/// What became of a transaction that came from elsewhere.
public enum Admission: Hashable, Sendable {
  /// It is in the journal now; its effects are to be applied in the same write transaction.
  case admitted
  /// It was in the journal already; nothing was changed.
  case known
  /// It is held, now or since before, for the reason given; nothing may be applied of it.
  case held(HoldReason)
}

/// Why a transaction may not be applied yet.
public enum HoldReason: Hashable, Sendable {
  /// It was written too far in the future. It is released when the clock here shows the given time
  /// (milliseconds since 1970).
  case tooFarAhead(releaseAt: UInt64)
  /// It follows or depends on a transaction that is held.
  case waiting(for: Dot)
  /// It can never be applied; the reason in words.
  case refused(String)
}

/// How far ahead of which clock a transaction may be.
public struct AdmissionPolicy: Hashable, Sendable {
  /// The time here, in milliseconds since 1970.
  public var now: UInt64
  /// Milliseconds that a transaction may be ahead of it.
  public var maximumAhead: UInt64

  /// One minute, in milliseconds.
  public static let defaultMaximumAhead: UInt64 = 60_000

  /// Sets the time, and how far ahead of it a transaction may be: 60 seconds unless told
  /// otherwise.
  public init(now: UInt64, maximumAhead: UInt64 = AdmissionPolicy.defaultMaximumAhead) {
    self.now = now
    self.maximumAhead = maximumAhead
  }

  /// When a transaction with this timestamp may be applied; `nil` for now.
  func release(of timestamp: HybridTimestamp) -> UInt64? {
    let (latest, overflow) = now.addingReportingOverflow(maximumAhead)
    guard !overflow, timestamp.milliseconds > latest else { return nil }
    return timestamp.milliseconds - maximumAhead
  }
}
