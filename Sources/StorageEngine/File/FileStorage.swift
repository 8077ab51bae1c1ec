// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A store file on disk, opened for this process alone.
///
/// Pages go through the page cache, which so becomes a second tier behind the engine's own. Commits
/// go past it, through a descriptor of their own where the file system allows it, and flush only
/// what they write: a flush of the whole file would wait for every page written meanwhile. The lock
/// belongs to the file, not to its name, and ends with the descriptor, also when the process is
/// killed.
final class FileStorage: Storage {
  /// Direct I/O moves whole blocks of this size; callers keep to it everywhere.
  static let blockBytes = 4096

  let name: String
  /// Which file this is, to recognise its name again.
  let identity: SystemCalls.FileStatus
  private let descriptor: SharedDescriptor
  /// For commits; bypasses the page cache where the file system can do that, and is told of lost
  /// pages on its own account in any case.
  ///
  /// `nil` where the file cannot be opened once more.
  private let commitDescriptor: SharedDescriptor?
  private let commitsBypassCache: Bool
  /// Whether the system was found unable to flush a part of the file.
  private let flushesWhole = Atomic<Bool>(false)
  private let gate = FlushGate()

  init(path: String, descriptor: Int32, identity: SystemCalls.FileStatus) {
    name = path
    self.identity = identity
    self.descriptor = SharedDescriptor(descriptor)
    let again = SystemCalls.openAgain(descriptor)
    // Asked of the file itself: file systems differ, and so do their mounts.
    commitsBypassCache = again.map(SystemCalls.useDirectAccess) ?? false
    commitDescriptor = again.map(SharedDescriptor.init)
  }

  var durableWrites: DurableWrites {
    if flushesWhole.load(ordering: .relaxed) { return .flushed }
    return commitsBypassCache ? .direct : .cached
  }

  deinit {
    close()
  }

  func length() throws(StorageError) -> UInt64 {
    try call(.length) { (descriptor) throws(SystemError) in
      try SystemCalls.status(of: descriptor).bytes
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(StorageError) {
    let start = try position(offset, count: buffer.count, .read)
    try call(.read, at: offset) { (descriptor) throws(StorageError) in
      var done = 0
      while done < buffer.count {
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
        let count = try self.naming(.read, at: offset) { () throws(SystemError) in
          unsafe try SystemCalls.read(descriptor, into: rest, at: start + done)
        }
        done += count
        if count == 0 { throw self.error(.read, .unexpectedEnd, at: offset) }
      }
    }
  }

  func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    let start = try position(offset, count: buffer.count, .write)
    try call(.write, at: offset) { (descriptor) throws(StorageError) in
      try unsafe self.writeAll(buffer, at: offset) { (rest, done) throws(SystemError) in
        unsafe try SystemCalls.write(descriptor, from: rest, at: start + done)
      }
    }
  }

  func writeDurably(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    let start = try position(offset, count: buffer.count, .write)
    if flushesWhole.load(ordering: .relaxed) { return try unsafe writeAndFlush(buffer, at: offset) }
    do {
      try call(.write, at: offset, through: commitDescriptor) { (descriptor) throws(StorageError) in
        try unsafe self.writeAll(buffer, at: offset) { (rest, done) throws(SystemError) in
          unsafe try SystemCalls.writeDurably(descriptor, from: rest, at: start + done)
        }
      }
    } catch {
      // A kernel or file system that cannot flush a range has not written anything either.
      guard [.system(errno: EOPNOTSUPP), .system(errno: ENOSYS)].contains(error.kind) else {
        throw error
      }
      flushesWhole.store(true, ordering: .relaxed)
      try unsafe writeAndFlush(buffer, at: offset)
    }
  }

  private func writeAndFlush(
    _ buffer: UnsafeRawBufferPointer, at offset: UInt64
  ) throws(StorageError) {
    try unsafe write(buffer, at: offset)
    try flush()
  }

  /// Writes piece by piece until everything is written.
  private func writeAll(
    _ buffer: UnsafeRawBufferPointer, at offset: UInt64,
    _ write: (UnsafeRawBufferPointer, Int) throws(SystemError) -> Int
  ) throws(StorageError) {
    var done = 0
    var mayStall = true
    while done < buffer.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
      let count = try self.naming(.write, at: offset) { () throws(SystemError) in
        unsafe try write(rest, done)
      }
      // A direct write can only be continued at a block; part of a block is written again.
      let isLast = done + count == buffer.count
      let progress = isLast ? count : count - count % Self.blockBytes
      done += progress
      if progress == 0 {
        guard mayStall else { throw self.error(.write, .system(errno: EIO), at: offset) }
        mayStall = false
      }
    }
  }

  func resize(to length: UInt64) throws(StorageError) {
    guard let target = Int(exactly: length) else {
      throw error(.resize, .outOfSpace, at: length)
    }
    try call(.resize, at: length) { (descriptor) throws(SystemError) in
      let present = Int(clamping: try SystemCalls.status(of: descriptor).bytes)
      if target < present { try SystemCalls.setLength(descriptor, target) }
      if target > present { try Self.grow(descriptor, from: present, to: target) }
    }
  }

  func flush() throws(StorageError) {
    try gate.pass { () throws(StorageError) in
      try call(.flush) { (descriptor) throws(SystemError) in
        try SystemCalls.flushData(descriptor)
      }
    }
  }

  func close() {
    commitDescriptor?.close()
    descriptor.close()
  }

  /// Grows with reserved space; on file systems that cannot reserve it is written.
  ///
  /// A reservation that fails half-way is taken back: the file keeps its length.
  private static func grow(
    _ descriptor: Int32, from present: Int, to target: Int
  ) throws(SystemError) {
    do throws(SystemError) {
      do throws(SystemError) {
        try SystemCalls.allocate(descriptor, at: present, count: target - present)
      } catch {
        guard [EOPNOTSUPP, ENOSYS].contains(error.number) else { throw error }
        try SystemCalls.allocateByWriting(descriptor, at: present, count: target - present)
      }
    } catch {
      try? SystemCalls.setLength(descriptor, present)
      throw error
    }
  }
}

// MARK: - Errors

extension FileStorage {
  /// Runs `body` with the descriptor, which stays open meanwhile.
  private func call<Result>(
    _ operation: StorageError.Operation, at offset: UInt64? = nil,
    _ body: (Int32) throws(SystemError) -> Result
  ) throws(StorageError) -> Result {
    try call(operation, at: offset) { (descriptor) throws(StorageError) in
      try self.naming(operation, at: offset) { () throws(SystemError) in try body(descriptor) }
    }
  }

  private func call<Result>(
    _ operation: StorageError.Operation, at offset: UInt64? = nil,
    through other: SharedDescriptor? = nil,
    _ body: (Int32) throws(StorageError) -> Result
  ) throws(StorageError) -> Result {
    let descriptor = other ?? self.descriptor
    guard let number = descriptor.enter() else {
      throw error(operation, .system(errno: EBADF), at: offset)
    }
    defer { descriptor.leave() }
    return try body(number)
  }

  /// Turns a failed system call into an error that names operation, file and place.
  private func naming<Result>(
    _ operation: StorageError.Operation, at offset: UInt64? = nil,
    _ body: () throws(SystemError) -> Result
  ) throws(StorageError) -> Result {
    do {
      return try body()
    } catch {
      throw StorageError(operation: operation, error, offset: offset, name: name)
    }
  }

  private func error(
    _ operation: StorageError.Operation, _ kind: StorageError.Kind, at offset: UInt64?
  ) -> StorageError {
    StorageError(operation: operation, kind: kind, offset: offset, name: name)
  }

  /// Checks that a range of bytes can be named to the system at all.
  private func position(
    _ offset: UInt64, count: Int, _ operation: StorageError.Operation
  ) throws(StorageError) -> Int {
    guard let start = Int(exactly: offset), start <= Int.max - count else {
      throw error(operation, operation == .read ? .unexpectedEnd : .outOfSpace, at: offset)
    }
    return start
  }
}

extension StorageError {
  /// An error for a failed system call.
  init(
    operation: Operation, _ error: SystemError, offset: UInt64? = nil, name: String
  ) {
    let kind: Kind =
      switch error.number {
      case ENOSPC, EDQUOT, EFBIG: .outOfSpace
      default: .system(errno: error.number)
      }
    self.init(operation: operation, kind: kind, offset: offset, name: name)
  }
}
