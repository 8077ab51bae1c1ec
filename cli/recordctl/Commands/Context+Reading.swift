// SPDX-License-Identifier: Apache-2.0

import Glibc
import Records
import StorageEngine

extension Context {
  /// Opens the store for a command that only reads, also where this process may not write to it.
  func openToRead() throws -> RecordStore {
    do {
      return try RecordStore.open(at: store)
    } catch EngineError.storage(let failure) where failure.isMissingPermission {
      log.inform("\(store) may only be read")
      var configuration = Configuration()
      configuration.isReadOnly = true
      return try RecordStore.open(at: store, configuration: configuration)
    }
  }
}

extension StorageError {
  fileprivate var isMissingPermission: Bool {
    guard operation == .open, case .system(let number) = kind else { return false }
    return [EACCES, EPERM, EROFS].contains(number)
  }
}
