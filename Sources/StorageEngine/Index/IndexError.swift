// SPDX-License-Identifier: Apache-2.0

/// Why an operation on an index failed.
public enum IndexError: Error, Sendable, Equatable {
  /// No index of that name.
  case indexNotFound(String)
  /// An index of that name exists.
  case indexExists(String)
  /// A name is empty or longer than the limit.
  case invalidName(String, limit: Int)
  /// A tuple has too many elements, or holds tuples too deep, to be stored with an index.
  case unsupportedTypes(keys: IndexType, values: IndexType)
  /// The index was created by this very transaction, which can be rolled back instead.
  case createdInTransaction(String)
  /// The index has other keys or values than asked for.
  case typeMismatch(index: String, keys: IndexType, values: IndexType)
  /// A key has another value already, and the index allows one; the key as bytes.
  case duplicateKey(index: String, key: [UInt8])
  /// A key, in a cluster index together with its value, is longer than the limit, as bytes.
  case keyTooLong(length: Int, limit: Int)
  /// A value is longer than the limit, as bytes.
  case valueTooLong(length: Int, limit: Int)
  /// What is stored is not what an index holds.
  case malformed(index: String, key: [UInt8])
  /// The engine failed.
  case engine(EngineError)
}

extension IndexError: CustomStringConvertible {
  /// One sentence for people.
  public var description: String {
    switch self {
    case .indexNotFound(let name): "no index \(name)"
    case .indexExists(let name): "index \(name) exists already"
    case .invalidName(let name, let limit): "'\(name)' has not 1 to \(limit) bytes"
    case .unsupportedTypes(let keys, let values):
      "an index from \(keys) to \(values) has tuples of more than \(IndexType.maximumElements) "
        + "elements or more than \(IndexType.maximumDepth) levels"
    case .createdInTransaction(let name):
      "index \(name) was created by this transaction and cannot be dropped by it"
    case .typeMismatch(let index, let keys, let values):
      "index \(index) leads from \(keys) to \(values)"
    case .duplicateKey(let index, _): "index \(index) has another value for the key already"
    case .keyTooLong(let length, let limit):
      "a key has \(length) bytes; the limit is \(limit), in a cluster index with the value"
    case .valueTooLong(let length, let limit): "a value has \(length) bytes; the limit is \(limit)"
    case .malformed(let index, let key): "index \(index) holds what is no entry of it, at \(key)"
    case .engine(let error): error.description
    }
  }
}
