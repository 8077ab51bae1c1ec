// SPDX-License-Identifier: Apache-2.0

/// Numbers that a salvaged store does not give to transactions.
extension Database {
  /// Makes the next transactions begin behind an LSN.
  ///
  /// Nothing in the log leads from one number to the other, so both superblocks must be behind it
  /// before anything else is logged.
  func skip(to lsn: UInt64) throws(EngineError) {
    try writerLock.withLock { () throws(EngineError) in
      try checkpointLock.withLock { () throws(EngineError) in
        // What a forged file says shall not use up all numbers.
        guard skipNumbers(to: min(lsn, 1 << 62)) else { return }
        try runCheckpoint(bothSuperblocks: true)
      }
    }
  }

  private func skipNumbers(to lsn: UInt64) -> Bool {
    pager.structureLock.withLock {
      guard lsn > state.working.lsn else { return false }
      seal()
      state.working.lsn = lsn
      pager.openBirth = lsn + 1
      window.note(lsn, nil)
      return true
    }
  }
}
