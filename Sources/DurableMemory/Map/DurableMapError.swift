// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// Everything a durable map can refuse or fail with.
public enum DurableMapError: Error, Sendable, Equatable {
  /// The engine refused or failed; unless it says otherwise, nothing was changed.
  case engine(EngineError)
  /// The map has keys or values of another type.
  case typeMismatch(map: String, role: Role, stored: String, asked: String)
  /// The name of a map or of a type is empty or longer than the limit in bytes.
  case invalidName(String, limit: Int)
  /// The map is open already; a second handle would not see the changes of the first.
  case alreadyOpen(map: String)
  /// The map, or the snapshot of it, was closed.
  case closed(map: String)
  /// What is stored is no key or value of the type.
  case undecodable(map: String, role: Role, problem: String)
  /// A key has more bytes than the limit.
  case keyTooLong(length: Int, limit: Int)
  /// A value has more bytes than the limit.
  case valueTooLong(length: Int, limit: Int)
  /// The encoding of a type wrote another number of bytes than it had said.
  case miscounted(type: String, said: Int, written: Int)
  /// A closure that decides on a change of the map tried to change, flush or compact it.
  case calledFromWithin(map: String)
  /// A batch has changes of maps of several databases, or a transaction is of another one.
  case severalDatabases
  /// The entries in the store are not what a map writes.
  case damaged(map: String, problem: String)
  /// The map was written by a later version of this module.
  case unsupportedVersion(map: String, found: UInt8, supported: UInt8)
  /// An option is out of its bounds.
  case invalidOption(String)

  /// Which part of an entry an error is about.
  public enum Role: String, Sendable {
    case key, value
  }
}

extension DurableMapError: CustomStringConvertible {
  /// One sentence for people.
  public var description: String {
    switch self {
    case .engine(let error): error.description
    case .typeMismatch(let map, let role, let stored, let asked):
      "the \(role.rawValue)s of map \(map) are of type \(stored), not \(asked)"
    case .invalidName(let name, let limit): "'\(name)' is no name of 1 to \(limit) bytes"
    case .alreadyOpen(let map): "map \(map) is open already"
    case .closed(let map): "map \(map) is closed"
    case .undecodable(let map, let role, let problem):
      "a \(role.rawValue) of map \(map) cannot be read: \(problem)"
    case .keyTooLong(let length, let limit): "a key has \(length) bytes; the limit is \(limit)"
    case .valueTooLong(let length, let limit): "a value has \(length) bytes; the limit is \(limit)"
    case .miscounted(let type, let said, let written):
      "the encoding of \(type) wrote \(written) bytes after it had said \(said)"
    case .calledFromWithin(let map):
      "a closure that decides on a change of map \(map) tried to change, flush or compact it"
    case .severalDatabases: "a batch or transaction can change maps of one database only"
    case .damaged(let map, let problem): "map \(map) is damaged: \(problem)"
    case .unsupportedVersion(let map, let found, let supported):
      "map \(map) has version \(found), later than the \(supported) this program knows"
    case .invalidOption(let what): "invalid option: \(what)"
    }
  }
}

extension DurableMapError {
  /// Runs `body` and wraps what the engine throws.
  @inline(__always)
  static func wrapping<R>(
    _ body: () throws(EngineError) -> R
  ) throws(DurableMapError) -> R {
    do throws(EngineError) {
      return try body()
    } catch {
      throw .engine(error)
    }
  }

  /// Runs `body` and wraps what it throws; for calls without typed errors.
  static func wrappingAny<R>(_ body: () throws -> R) throws(DurableMapError) -> R {
    do {
      return try body()
    } catch let error as DurableMapError {
      throw error
    } catch let error as EngineError {
      throw .engine(error)
    } catch TransactionError.engine(let error) {
      throw .engine(error)
    } catch TransactionError.lockTimeout {
      throw .engine(.treeInUse("that a prepared transaction changes"))
    } catch {
      throw .engine(.poisoned(reason: "\(error)"))
    }
  }
}
