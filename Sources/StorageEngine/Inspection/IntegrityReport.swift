// SPDX-License-Identifier: Apache-2.0

/// What `check()` found.
public struct IntegrityReport: Sendable {
  /// Every fault found; empty when the file is intact.
  public internal(set) var faults: [Damage] = []
  /// Pages read, those of large values included.
  public internal(set) var pagesRead: UInt64 = 0
  /// Entries visited in all trees.
  public internal(set) var entries: UInt64 = 0
  /// Whether only one of both superblocks was intact when the store was opened.
  ///
  /// That is no fault: a power cut can leave it so, and what opens the store for writing mends it.
  public internal(set) var foundOneSuperblock = false

  /// Whether nothing is wrong.
  public var isIntact: Bool { faults.isEmpty }
}
