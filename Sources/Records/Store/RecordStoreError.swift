// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// Everything a record store can refuse or fail with, besides `EngineError` (the file) and
/// `JournalError` (the journal), which pass through unchanged.
public enum RecordStoreError: Error, Sendable, Equatable {
  /// The file is a database of the engine, but holds no records of ours.
  case notARecordStore(path: String)
  /// Written by a later format of records than this program knows.
  case unsupportedVersion(found: UInt64, supported: UInt64)
  /// Both stores hold transactions, and not of the same data set.
  case storeMismatch(local: StoreID, offered: StoreID)
  /// A transaction of this store's own origin came from outside and is not known here: the file
  /// is an older copy of itself.
  case rollback(Dot)
  /// The transaction breaks a rule that every writer keeps.
  case corruptTransaction(Dot, problem: String)
  /// The transaction holds an operation of a kind that this program does not know: a later version
  /// wrote it.
  case unsupportedOperation(Dot, kind: UInt64)
  /// Something in the store is not what was written there.
  case corruptStore(place: String, problem: String)
  /// A collection's name is empty or too long.
  case invalidCollection(String)
  /// A field's name is too long, or one of those that printed records use.
  case invalidField(String)
  /// A text key is too long.
  case keyTooLong(length: Int, limit: Int)
  /// A value that cannot be stored.
  case invalidValue(field: String, problem: CodingError.Problem)
  /// One field was given twice.
  case duplicateField(String)
}

extension RecordStoreError: CustomStringConvertible {
  /// One sentence for people.
  public var description: String {
    switch self {
    case .notARecordStore(let path): "\(path) holds no records"
    case .unsupportedVersion(let found, let supported):
      "record format \(found) is later than the \(supported) this program knows"
    case .storeMismatch(let local, let offered):
      "this store holds data set \(local), the other one \(offered)"
    case .rollback(let dot):
      "transaction \(dot) was written by this store and is not in it: the file is an older copy"
    case .corruptTransaction(let dot, let problem): "transaction \(dot): \(problem)"
    case .unsupportedOperation(let dot, let kind):
      "transaction \(dot): operation kind \(kind) is unknown to this version"
    case .corruptStore(let place, let problem): "\(place): \(problem)"
    case .invalidCollection(let name):
      "'\(name)' cannot name a collection: 1 to \(JournalLimits.collectionNameBytes) bytes"
    case .invalidField(let name):
      "'\(name)' cannot name a field: at most \(JournalLimits.fieldNameBytes) bytes, and neither "
        + "\(RecordMember.key) nor \(RecordMember.collection)"
    case .keyTooLong(let length, let limit): "the key has \(length) bytes; the limit is \(limit)"
    case .invalidValue(let field, let problem): "field '\(field)': \(problem)"
    case .duplicateField(let name): "field '\(name)' is given twice"
    }
  }
}
