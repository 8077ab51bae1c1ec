// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Creating, opening and locking files.
extension FileStorage {
  /// Creates an empty file, which only its owner may read, and makes its name durable.
  ///
  /// What a creation has left that was cut short is taken over. Throws `.alreadyExists` if anything
  /// else is at the path, `.storage` for any other failure.
  static func create(at path: String) throws(EngineError) -> FileStorage {
    try refuseUnusable(path)
    let descriptor: Int32
    do {
      descriptor = try SystemCalls.openFile(path, .createNew)
    } catch {
      if error.number == EEXIST { return try takeOverUnfinished(path) }
      throw .storage(openError(error, path))
    }
    let storage = try adopt(descriptor, path: path, readOnly: false)
    do {
      try SystemCalls.flushDirectory(directory(of: path))
    } catch {
      storage.discard()
      throw .storage(openError(error, path))
    }
    return storage
  }

  /// Empties a file whose creation was cut short; leaves any other as it is.
  private static func takeOverUnfinished(_ path: String) throws(EngineError) -> FileStorage {
    guard let storage = try? open(at: path, readOnly: false) else {
      throw .alreadyExists(path: path)
    }
    let isUnfinished: Bool
    do throws(StorageError) {
      isUnfinished = try StoreCreation.isUnfinished(storage)
      if isUnfinished { try storage.resize(to: 0) }
    } catch {
      storage.close()
      throw .storage(error)
    }
    if isUnfinished { return storage }
    storage.close()
    throw .alreadyExists(path: path)
  }

  /// Opens an existing file and locks it: against everyone, or, when read only, against writers.
  ///
  /// Throws `.notFound`, `.notAStore` for what is no regular file, `.locked`, or `.storage`.
  static func open(at path: String, readOnly: Bool) throws(EngineError) -> FileStorage {
    try refuseUnusable(path)
    let descriptor: Int32
    do {
      descriptor = try SystemCalls.openFile(path, readOnly ? .readOnly : .readWrite)
    } catch {
      switch error.number {
      case ENOENT, ENOTDIR: throw .notFound(path: path)
      // A directory, a device without driver or a socket: nothing that could be a store.
      case EISDIR, ENXIO, ENODEV: throw .notAStore(path: path)
      case ELOOP: throw .storage(unsuitable(path, "it is a symbolic link"))
      default: throw .storage(openError(error, path))
      }
    }
    return try adopt(descriptor, path: path, readOnly: readOnly)
  }

  /// Closes the file and removes it, unless its name has come to mean another file.
  ///
  /// For a store whose creation failed.
  func discard() {
    if let found = try? SystemCalls.status(at: name), found.isSameFile(as: identity) {
      try? SystemCalls.removeFile(name)
    }
    close()
  }

  /// Checks and locks a file just opened; closes it on failure.
  private static func adopt(
    _ descriptor: Int32, path: String, readOnly: Bool
  ) throws(EngineError) -> FileStorage {
    do {
      let status = try inspect(descriptor, path: path)
      try lock(descriptor, status, path: path, readOnly: readOnly)
      return FileStorage(
        path: path, descriptor: descriptor, identity: status)
    } catch {
      SystemCalls.closeFile(descriptor)
      throw error
    }
  }

  /// Refuses what is no regular file, and a file with several names: through each of them another
  /// program could believe it owns the file.
  private static func inspect(
    _ descriptor: Int32, path: String
  ) throws(EngineError) -> SystemCalls.FileStatus {
    let status: SystemCalls.FileStatus
    do {
      status = try SystemCalls.status(of: descriptor)
    } catch {
      throw .storage(openError(error, path))
    }
    guard status.isRegular else { throw .notAStore(path: path) }
    guard status.links == 1 else {
      let reason =
        status.links == 0
        ? "it was removed meanwhile" : "it has \(status.links) names (hard links)"
      throw .storage(unsuitable(path, reason))
    }
    return status
  }

  private static func lock(
    _ descriptor: Int32, _ status: SystemCalls.FileStatus, path: String, readOnly: Bool
  ) throws(EngineError) {
    do {
      try SystemCalls.lockFile(descriptor, exclusive: !readOnly)
    } catch {
      if error.number == EWOULDBLOCK {
        throw .locked(path: path, holder: SystemCalls.lockHolder(of: status))
      }
      throw .storage(StorageError(operation: .lock, error, name: path))
    }
    // Between open and lock the name may have moved on to another file, with a lock of its own.
    guard let found = try? SystemCalls.status(at: path), found.isSameFile(as: status) else {
      throw .storage(unsuitable(path, "it was replaced while it was opened"))
    }
  }

  private static func refuseUnusable(_ path: String) throws(EngineError) {
    // The system would take the part before the zero byte for the whole path.
    if path.utf8.contains(0) { throw .storage(unsuitable(path, "the path contains a zero byte")) }
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func openError(_ error: SystemError, _ path: String) -> StorageError {
    StorageError(operation: .open, error, name: path)
  }

  private static func unsuitable(_ path: String, _ reason: String) -> StorageError {
    StorageError(operation: .open, kind: .unsuitable(reason: reason), name: path)
  }
}
