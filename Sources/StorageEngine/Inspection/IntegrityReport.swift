// SPDX-License-Identifier: Apache-2.0

/// What `check()` found.
public struct IntegrityReport: Sendable {
  /// Every fault found; empty when the file is intact.
  public internal(set) var faults: [Damage] = []
  /// Pages read, those of large values included.
  public internal(set) var pagesRead: UInt64 = 0
  /// Entries visited in all trees.
  public internal(set) var entries: UInt64 = 0

  /// Whether nothing is wrong.
  public var isIntact: Bool { faults.isEmpty }
}
