// SPDX-License-Identifier: Apache-2.0

/// A state that is kept under a name, over restarts, until it is dropped.
public struct NamedSnapshot: Sendable, Equatable {
  /// Its name.
  public let name: String
  /// The LSN of the last transaction it shows.
  public let lsn: UInt64
  /// When it was made, in milliseconds since 1970.
  public let createdAt: UInt64
}

/// A view that somebody holds open.
public struct OpenSnapshot: Sendable, Equatable {
  /// The LSN of the last transaction it shows.
  public let lsn: UInt64
  /// When it was opened, in milliseconds since 1970.
  public let openedAt: UInt64
  /// How long ago that was, in milliseconds.
  public let age: UInt64

  init(_ reader: SnapshotRegistry.Reader, now: UInt64) {
    lsn = reader.lsn
    openedAt = reader.openedAt
    age = now > reader.openedAt ? now - reader.openedAt : 0
  }
}

/// Why a named snapshot could not be made, opened or dropped.
public enum NamedSnapshotError: Error, Sendable, Equatable {
  /// A snapshot of that name exists.
  case exists(String)
  /// No snapshot of that name.
  case notFound(String)
  /// A name is empty or longer than 255 bytes.
  case invalidName(String)
  /// The engine failed.
  case engine(EngineError)
}

extension NamedSnapshotError: CustomStringConvertible {
  /// One sentence for people.
  public var description: String {
    switch self {
    case .exists(let name): "snapshot \(name) exists already"
    case .notFound(let name): "no snapshot \(name)"
    case .invalidName(let name): "'\(name)' cannot name a snapshot"
    case .engine(let error): error.description
    }
  }
}
