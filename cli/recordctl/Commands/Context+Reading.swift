// SPDX-License-Identifier: Apache-2.0

import Glibc
import Records
import StorageEngine

extension Context {
  /// Opens the store for a command that only reads, also where this process may not write to it.
  func openToRead() throws -> RecordStore {
    try withReadableStore { try RecordStore.open(at: store, configuration: $0) }
  }

  /// The same for what the file holds besides records, or in place of them.
  func openDatabaseToRead() throws -> Database {
    try withReadableStore { try Database.open(at: store, configuration: $0) }
  }

  /// Tells that a collection has no records, whose name may be misspelt.
  func tellIfEmpty(_ collection: String, _ reader: RecordSnapshot) throws {
    if try reader.count(of: collection) == 0 {
      log.notice("\(store) has no records in '\(collection)'")
    }
  }

  private func withReadableStore<R>(_ open: (Configuration) throws -> R) throws -> R {
    do {
      return try open(Configuration())
    } catch EngineError.storage(let failure) where failure.isMissingPermission {
      log.inform("\(store) may only be read")
      var configuration = Configuration()
      configuration.isReadOnly = true
      return try open(configuration)
    }
  }
}

extension StorageError {
  fileprivate var isMissingPermission: Bool {
    guard operation == .open, case .system(let number) = kind else { return false }
    return [EACCES, EPERM, EROFS].contains(number)
  }
}
