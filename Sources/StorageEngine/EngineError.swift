// SPDX-License-Identifier: Apache-2.0

/// Everything the engine can refuse or fail with.
public enum EngineError: Error, Sendable, Equatable {
  /// No file at that path.
  case notFound(path: String)
  /// Something is at the path where a store was to be created.
  case alreadyExists(path: String)
  /// Another process (or another handle of this one) holds the store open.
  case locked(path: String, holder: Int32?)
  /// The file is intact as far as can be told, but none of ours.
  case notAStore(path: String)
  /// Written by a later format than this program knows.
  case unsupportedVersion(found: UInt32, supported: UInt32)
  /// A call to the disk failed.
  case storage(StorageError)
  /// Bytes on disk are not what was written there.
  case corrupt(Damage)
  /// An earlier write or flush failed: reads answer from the last durable state, writes are
  /// refused until the store is reopened.
  case poisoned(reason: String)
  /// The handle was closed.
  case closed
  /// The store was opened for reading only.
  case readOnly
  /// The disk is full.
  ///
  /// Nothing was changed.
  case outOfSpace
  /// A key is empty or longer than the limit.
  case invalidKeyLength(length: Int, limit: Int)
  /// A value is longer than the limit.
  case valueTooLong(length: Int, limit: Int)
  /// The changes of a transaction take more bytes of the log than are allowed.
  case transactionTooLong(limit: Int)
  /// No tree of that name or identifier.
  case treeNotFound(String)
  /// A tree of that name exists.
  case treeExists(String)
  /// A tree lives in memory already, or a prepared transaction changes it.
  case treeInUse(String)
  /// A tree's name is empty or longer than the limit.
  case invalidTreeName(String)
  /// A configuration value is out of its bounds.
  case invalidConfiguration(String)
  /// What is to become of a transaction in doubt could not be done; the reason in words.
  case undecidable(number: UInt64, reason: String)
}

/// Where and how bytes on disk differ from what was written.
public struct Damage: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file.
  public let file: String
  /// Byte offset of the damaged structure.
  public let offset: UInt64
  /// What was read there: "page 17", "superblock 0", "log group 3311".
  public let structure: String
  /// What is wrong with it.
  public let problem: String

  /// Creates a description of damage.
  public init(file: String, offset: UInt64, structure: String, problem: String) {
    self.file = file
    self.offset = offset
    self.structure = structure
    self.problem = problem
  }

  /// One sentence for people.
  public var description: String {
    "\(file): \(structure) at byte \(offset): \(problem)"
  }
}

extension EngineError: CustomStringConvertible {
  /// One sentence for people.
  public var description: String {
    switch self {
    case .notFound(let path): "no store at \(path)"
    case .alreadyExists(let path): "\(path) exists already"
    case .locked(let path, let holder):
      "\(path) is held open by \(holder.map { "process \($0)" } ?? "another process")"
    case .notAStore(let path): "\(path) is not a record store"
    case .unsupportedVersion(let found, let supported):
      "format version \(found) is later than the \(supported) this program knows"
    case .storage(let error): error.description
    case .corrupt(let damage): damage.description
    case .poisoned(let reason): "writes are refused until the store is reopened: \(reason)"
    case .closed: "the store, or the transaction, snapshot or cursor, was closed"
    case .readOnly: "the store is open for reading only"
    case .outOfSpace: "the disk is full; nothing of this was written"
    case .invalidKeyLength(let length, let limit):
      "a key has \(length) bytes; 1 to \(limit) are allowed"
    case .valueTooLong(let length, let limit): "a value has \(length) bytes; the limit is \(limit)"
    case .transactionTooLong(let limit):
      "a transaction has at most \(limit) bytes of changes; nothing was changed"
    case .treeNotFound(let name): "no tree \(name)"
    case .treeExists(let name): "tree \(name) exists already"
    case .treeInUse(let name): "tree \(name) is in use"
    case .invalidTreeName(let name): "'\(name)' cannot name a tree"
    case .invalidConfiguration(let what): "invalid configuration: \(what)"
    case .undecidable(let number, let reason):
      "transaction \(number) is in doubt and cannot be decided: \(reason)"
    }
  }
}
