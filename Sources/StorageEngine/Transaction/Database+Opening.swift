// SPDX-License-Identifier: Apache-2.0

/// Creating and opening stores.
extension Database {
  /// Creates a new store file.
  ///
  /// When it throws, no new file is left.
  ///
  /// - Throws: `.alreadyExists` if anything is at `path`; `.invalidConfiguration` for values out of
  ///   bounds or memory that cannot be had; `.outOfSpace`; `.locked` when another process opened the
  ///   new file first; `.storage` when the disk or the system fails.
  public static func create(
    at path: String, configuration: Configuration = .init()
  ) throws(EngineError) -> Database {
    try configuration.check()
    let storage = try FileStorage.create(at: path)
    do {
      return try create(on: storage, configuration: configuration)
    } catch {
      storage.close()
      try? SystemCalls.removeFile(path)
      throw error
    }
  }

  /// Opens an existing store file, recovering what a crash left in its log.
  ///
  /// For reading only if the configuration says so: then any number of processes may have it open,
  /// as long as none writes, and the file stays as it is.
  ///
  /// - Throws: `.notFound`; `.locked` while another handle has the file open (for reading only: while
  ///   one has it open for writing); `.notAStore`; `.unsupportedVersion`; `.corrupt` for damage to
  ///   what opening reads: both superblocks at once, the map, the catalog, the log and the pages it
  ///   changes, named snapshots, transactions in doubt; `.undecidable` when `inDoubtPolicy` cannot be
  ///   carried out; `.outOfSpace` when there is no room for what recovery writes;
  ///   `.invalidConfiguration` for values out of bounds or memory that cannot be had; `.storage` or
  ///   `.poisoned` when the disk or the system fails; `.storage` also for symbolic links and files
  ///   with several names.
  public static func open(
    at path: String, configuration: Configuration = .init()
  ) throws(EngineError) -> Database {
    try configuration.check()
    let isReadOnly = configuration.isReadOnly
    return try open(
      on: FileStorage.open(at: path, readOnly: isReadOnly), configuration: configuration)
  }

  /// Creates a store on any storage, which must be empty.
  ///
  /// - Throws: `.alreadyExists` when it is not empty; `.invalidConfiguration`, `.outOfSpace` and
  ///   `.storage` as for a file.
  public static func create(
    on storage: any Storage, configuration: Configuration = .init()
  ) throws(EngineError) -> Database {
    try configuration.check()
    try StoreCreation.create(on: storage, configuration: configuration)
    return try open(on: storage, configuration: configuration)
  }

  /// Opens a store on any storage, and deals with transactions in doubt as the configuration says.
  ///
  /// Closes the storage when that fails.
  ///
  /// - Throws: What opening a file throws, but for `.notFound` and `.locked`.
  public static func open(
    on storage: any Storage, configuration: Configuration = .init()
  ) throws(EngineError) -> Database {
    let (database, found) = try openUndecided(on: storage, configuration: configuration)
    let policy = configuration.isReadOnly ? .keep : configuration.inDoubtPolicy
    return try RecoveryPlan(database, found, policy: policy).carryOut()
  }

  /// Opens a store and leaves what is in doubt undecided.
  static func openUndecided(
    on storage: any Storage, configuration: Configuration
  ) throws(EngineError) -> (Database, [PreparedWork]) {
    do {
      try configuration.check()
      let storage = try configuration.isReadOnly ? OverlayStorage.over(storage) : storage
      let recovered = try Recovery.recover(storage: storage, configuration: configuration)
      let database = Database(recovered: recovered, configuration: configuration)
      // Fresh writes make durable what recovery read back: the log's tail may have been written
      // by a process that ended before it was flushed, or whose flush failed.
      try database.checkpoint()
      return (database, try database.loadPrepared())
    } catch {
      storage.close()
      throw error
    }
  }
}
