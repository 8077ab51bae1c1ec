// SPDX-License-Identifier: Apache-2.0

/// Lets flushes of one file through one after the other, and none after one that failed.
///
/// The kernel tells of pages it could not write once: whoever flushes next is told that all is
/// well. Of two flushes side by side, one of a commit and one of a checkpoint, only one would so
/// learn of the loss, and the other would refer to pages that are not there.
final class FlushGate: @unchecked Sendable {
  private let lock = Lock()
  private var failure: StorageError?

  /// Flushes, or throws what the first failed flush threw.
  func pass(_ flush: () throws(StorageError) -> Void) throws(StorageError) {
    try lock.withLock { () throws(StorageError) in
      if let failure { throw failure }
      do throws(StorageError) {
        try flush()
      } catch {
        failure = error
        throw error
      }
    }
  }
}
