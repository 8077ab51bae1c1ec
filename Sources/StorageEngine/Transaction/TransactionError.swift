// SPDX-License-Identifier: Apache-2.0

/// Why a transaction could not be begun, prepared, committed or rolled back.
public enum TransactionError: Error, Sendable, Equatable {
  /// Another transaction changed what this one relies on.
  ///
  /// Nothing was changed; a new transaction may succeed.
  case conflict(tree: String)
  /// So much was committed since it began that conflicts cannot be checked any more.
  ///
  /// Nothing was changed; a new transaction may succeed.
  case tooOld
  /// A prepared transaction holds what this one needs, and was not decided in time.
  ///
  /// Nothing was changed; a new transaction may succeed.
  case lockTimeout(holder: [UInt8])
  /// A tree, segment or index of that name exists: it was created since the transaction began.
  case nameTaken(String)
  /// A tree, segment or index that the transaction changed is gone.
  case dropped(String)
  /// An exclusive index has another value for a key already.
  case duplicateKey(index: String, key: [UInt8])
  /// An identifier is longer than the limit.
  case identifierTooLong(length: Int, limit: Int)
  /// A layer above refused the commit; the reason in words.
  case refused(reason: String)
  /// It was committed, rolled back or prepared already.
  case ended
  /// No transaction of that number is in doubt.
  case notInDoubt(number: UInt64)
  /// A commit that had begun cannot be rolled back; the reason in words.
  case cannotRollBack(number: UInt64, reason: String)
  /// The engine failed.
  case engine(EngineError)

  /// Whether the same work may succeed in a new transaction.
  public var isRetryable: Bool {
    switch self {
    case .conflict, .tooOld, .lockTimeout: true
    default: false
    }
  }
}

extension TransactionError: CustomStringConvertible {
  /// One sentence for people.
  public var description: String {
    switch self {
    case .conflict(let tree):
      "another transaction changed what this one relies on in \(tree); nothing was changed"
    case .tooOld: "the transaction was open for too long to be checked; nothing was changed"
    case .lockTimeout(let holder):
      "the prepared transaction '\(String(decoding: holder, as: UTF8.self))' holds what this one "
        + "needs; nothing was changed"
    case .nameTaken(let name): "\(name) exists already"
    case .dropped(let name): "\(name) was dropped meanwhile"
    case .duplicateKey(let index, _): "index \(index) has another value for the key already"
    case .identifierTooLong(let length, let limit):
      "an identifier has \(length) bytes; the limit is \(limit)"
    case .refused(let reason): reason
    case .ended: "the transaction has ended"
    case .notInDoubt(let number): "no transaction \(number) is in doubt"
    case .cannotRollBack(let number, let reason):
      "transaction \(number) cannot be rolled back: \(reason)"
    case .engine(let error): error.description
    }
  }
}
