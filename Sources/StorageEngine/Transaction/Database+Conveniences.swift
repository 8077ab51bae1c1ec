// SPDX-License-Identifier: Apache-2.0

/// Shorter ways to what the rest of the interface can do.
extension Database {
  /// Runs `body` on a view of the last published state, and gives the view up afterwards.
  ///
  /// Cursors do not outlive the view.
  public func read<R>(_ body: (Snapshot) throws -> R) throws -> R {
    let view = try snapshot()
    defer { view.close() }
    return try body(view)
  }

  /// Creates a store in memory of at most `bytes` bytes, which ends with the handle.
  ///
  /// When it is full, commits throw `.outOfSpace` and change nothing.
  ///
  /// - Throws: `.invalidConfiguration`; `.outOfSpace` when not even an empty store has room.
  public static func inMemory(
    limit bytes: UInt64 = 1 << 36, configuration: Configuration = .init()
  ) throws(EngineError) -> Database {
    try create(on: MemoryStorage(capacity: bytes), configuration: configuration)
  }

  /// Opens a store file, or creates it where there is none, and has `initialize` fill a store to
  /// which nothing was ever committed.
  ///
  /// What `initialize` does is one transaction, which happens once in the life of a store: when it
  /// throws, or the process ends before it is committed, the next opening runs it again. A file
  /// that was created for it is removed when it throws.
  ///
  /// - Throws: What `initialize` throws; what `open` and `create` throw, but for `.notFound` and
  ///   `.alreadyExists`; what `write` throws, as `.readOnly` for a store that is to be filled and was
  ///   opened for reading only.
  public static func openOrCreate(
    at path: String, configuration: Configuration = .init(),
    initialize: (WriteTransaction) throws -> Void = { _ in }
  ) throws -> Database {
    do {
      return try openExisting(path, configuration, initialize)
    } catch EngineError.notFound {
      try configuration.check()
    } catch EngineError.notAStore where !configuration.isReadOnly {
      // Its creation may have been cut short.
      try configuration.check()
    }
    let storage: FileStorage
    do {
      storage = try FileStorage.create(at: path)
    } catch EngineError.alreadyExists {
      // Another process was faster.
      return try openExisting(path, configuration, initialize)
    }
    do {
      let database = try create(on: storage, configuration: configuration)
      try database.write(durability: .synced, initialize)
      return database
    } catch {
      storage.discard()
      throw error
    }
  }

  private static func openExisting(
    _ path: String, _ configuration: Configuration, _ initialize: (WriteTransaction) throws -> Void
  ) throws -> Database {
    let database = try open(at: path, configuration: configuration)
    guard database.published.lsn == 0 else { return database }
    do {
      try database.write(durability: .synced, initialize)
      return database
    } catch {
      try? database.close()
      throw error
    }
  }
}
