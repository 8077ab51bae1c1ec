// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Records

extension SyncError {
  /// Says in our words what a store or a journal threw.
  public init(_ error: any Error) {
    switch error {
    case let error as SyncError: self = error
    case let error as JournalError: self.init(error)
    case let error as RecordStoreError: self.init(error)
    case let error as CodingError: self.init(.corrupt, error.description, cause: error)
    default: self.init(.store, "\(error)", cause: error)
    }
  }

  private init(_ error: JournalError) {
    let code: Code =
      switch error {
      case .fork: .fork
      case .clockExhausted: .clock
      case .unsupportedVersion, .unsupportedOperation: .incompatible
      case .limitExceeded: .tooLarge
      // Room for the large transactions of others: it is free again when those are through.
      case .staging: .busy
      case .engine, .invalidTransaction, .tagCollision: .store
      case .corrupt(let place, _) where place.isInStore: .store
      default: .corrupt
      }
    self.init(code, error.description, cause: error, retryAfter: code == .busy ? 1 : nil)
  }

  private init(_ error: RecordStoreError) {
    let code: Code =
      switch error {
      case .storeMismatch: .storeMismatch
      case .rollback: .rollback
      case .corruptTransaction: .corrupt
      case .unsupportedOperation: .incompatible
      default: .store
      }
    self.init(code, error.description, cause: error)
  }
}
