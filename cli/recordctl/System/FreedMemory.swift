// SPDX-License-Identifier: Apache-2.0

import CStorageSystem

/// Memory that was given back to the C library and is kept by the process.
enum FreedMemory {
  private static let keptBytes: Int32 = 64 << 20
  private static let largestPieceBytes: Int32 = 32 << 20

  /// Keeps freed memory for the next allocation.
  ///
  /// By default large pieces go back to the system at once, and the next one must be cleared page by
  /// page before it can be used: a fifth of the time of an import.
  static func keep() {
    storage_keep_freed_memory(keptBytes, largestPieceBytes)
  }
}
