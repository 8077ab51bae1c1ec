// SPDX-License-Identifier: Apache-2.0

/// When checkpoints happen by themselves.
extension Database {
  /// Asks for a checkpoint when enough was logged.
  ///
  /// Call without locks.
  func scheduleCheckpointIfDue() {
    let isDue = pager.structureLock.withLock {
      state.loggedBytes >= configuration.checkpointBytes
    }
    if isDue { scheduleCheckpoint() }
  }

  /// Asks for a checkpoint, unless one was asked for already.
  func scheduleCheckpoint() {
    let isNew = pager.structureLock.withLock {
      defer { state.checkpointScheduled = true }
      return !state.checkpointScheduled
    }
    guard isNew else { return }
    (configuration.scheduler ?? ThreadScheduler()).schedule { [weak self] in
      guard let self else { return }
      // A failure has poisoned the database, or there was no space and the next commit asks again.
      let isDone = (try? self.checkpoint()) != nil
      self.dropUnwantedSnapshots()
      let mustGoOn = isDone && self.shrinkIfSparse()
      self.pager.structureLock.withLock { self.state.checkpointScheduled = false }
      guard isDone else { return }
      if mustGoOn { self.scheduleCheckpoint() } else { self.scheduleCheckpointIfDue() }
    }
  }
}
