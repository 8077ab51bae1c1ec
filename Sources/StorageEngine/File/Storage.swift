// SPDX-License-Identifier: Apache-2.0

/// The storage seam: the only door between the engine and a disk.
///
/// Every byte the engine reads or writes passes these calls, so that a simulated disk can
/// stand in for a file and drop, reorder, tear, fail or stop at any of them.
///
/// Offsets and lengths are bytes. The engine always passes offsets, lengths and buffer addresses
/// that are multiples of 4096, as direct I/O demands.
public protocol Storage: AnyObject, Sendable {
  /// A name for error messages: the path of the file, or a description of the medium.
  var name: String { get }

  /// Returns the present length in bytes.
  func length() throws(StorageError) -> UInt64

  /// Fills `buffer` from `offset`.
  ///
  /// Reading past the end is an error (`.unexpectedEnd`).
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(StorageError)

  /// Writes all of `buffer` at `offset`, without making it durable.
  ///
  /// Bytes beyond the present length grow the storage.
  func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError)

  /// Writes all of `buffer` at `offset`, inside the present length, and makes it durable by itself;
  /// it says nothing of any other write.
  ///
  /// After a failure see `flush()`.
  ///
  /// This is what a commit waits for, so it must not wait for pages written meanwhile.
  func writeDurably(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError)

  /// Sets the length.
  ///
  /// Growth reserves the space, so that a later write in it cannot run out of it.
  func resize(to length: UInt64) throws(StorageError)

  /// Makes every completed write and resize durable.
  ///
  /// After a failure nothing may be assumed of what was written since the last success, and the
  /// call must not be repeated.
  func flush() throws(StorageError)

  /// Gives up the storage and its lock.
  ///
  /// Further calls fail.
  func close()

  /// How `writeDurably` does it.
  var durableWrites: DurableWrites { get }
}

extension Storage {
  /// Some other way, unless a storage says more.
  public var durableWrites: DurableWrites { .other }
}

/// How writes are made durable one by one.
public enum DurableWrites: String, Sendable {
  /// Past the page cache, each flushed by itself (`O_DIRECT`, `RWF_DSYNC`).
  case direct
  /// Through the page cache, each flushed by itself (`RWF_DSYNC`): the file system cannot do
  /// without its cache.
  case cached
  /// Through the page cache, then a flush of the whole file (`fdatasync`): the system cannot flush
  /// a part of it.
  case flushed
  /// As a storage does it that is no file.
  case other
}

/// A failed call of the storage seam.
public struct StorageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The call that failed.
  public enum Operation: String, Sendable {
    case open, lock, length, read, write, resize, flush
  }

  /// What went wrong, as far as a caller can act on it.
  public enum Kind: Sendable, Equatable {
    /// The medium or its quota is full (ENOSPC, EDQUOT, EFBIG).
    case outOfSpace
    /// Fewer bytes exist than were asked for.
    case unexpectedEnd
    /// The file cannot be used as it is, whatever it holds: a symbolic link, several names.
    case unsuitable(reason: String)
    /// Any other failure, with the `errno` value.
    case system(errno: Int32)
  }

  /// The call that failed.
  public let operation: Operation
  /// What went wrong.
  public let kind: Kind
  /// The byte offset concerned, where the call has one.
  public let offset: UInt64?
  /// The name of the storage.
  public let name: String

  /// Creates an error.
  public init(operation: Operation, kind: Kind, offset: UInt64? = nil, name: String) {
    self.operation = operation
    self.kind = kind
    self.offset = offset
    self.name = name
  }

  /// One sentence for people.
  public var description: String {
    let place = offset.map { " at byte \($0)" } ?? ""
    return "\(operation.rawValue) of \(name)\(place) failed: \(reason)"
  }

  /// Why the call failed, in words.
  var reason: String {
    switch kind {
    case .outOfSpace: "no space left on the disk, in its quota or under the limit of file sizes"
    case .unexpectedEnd: "the file ends too early"
    case .unsuitable(let reason): reason
    case .system(let errno): SystemCalls.message(for: errno)
    }
  }
}
