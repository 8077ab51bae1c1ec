// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A store file on disk, opened for this process alone.
///
/// Pages go through the page cache, which so becomes a second tier behind the engine's own. Commits
/// go past it, through a descriptor of their own where the file system allows it, and flush only
/// what they write: a flush of the whole file would wait for every page written meanwhile. The lock belongs to the
/// file, not to its name, and ends with the descriptor, also when the process is killed.
final class FileStorage: Storage {
  /// Direct I/O moves whole blocks of this size; callers keep to it everywhere.
  static let blockBytes = 4096

  let name: String
  /// Which file this is, to recognise its name again.
  private let identity: SystemCalls.FileStatus
  private let descriptor: SharedDescriptor
  /// For commits; bypasses the page cache where the file system can do that, and is told of lost
  /// pages on its own account in any case.
  ///
  /// `nil` where the file cannot be opened once more.
  private let direct: SharedDescriptor?
  private let isDirect: Bool
  /// Whether the system was found unable to flush a part of the file.
  private let flushesWhole = Atomic<Bool>(false)
  private let gate = FlushGate()

  private init(path: String, descriptor: Int32, identity: SystemCalls.FileStatus) {
    name = path
    self.identity = identity
    self.descriptor = SharedDescriptor(descriptor)
    let again = SystemCalls.openAgain(descriptor)
    // Asked of the file itself: file systems differ, and so do their mounts.
    isDirect = again.map(SystemCalls.useDirectAccess) ?? false
    direct = again.map(SharedDescriptor.init)
  }

  var durableWrites: DurableWrites {
    if flushesWhole.load(ordering: .relaxed) { return .flushed }
    return isDirect ? .direct : .cached
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
      try call(.write, at: offset, through: direct) { (descriptor) throws(StorageError) in
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
    direct?.close()
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

// MARK: - Creating and opening

extension FileStorage {
  /// Creates an empty file, which only its owner may read, and makes its name durable.
  ///
  /// Throws `.alreadyExists` if anything is at the path, `.storage` for any other failure.
  static func create(at path: String) throws(EngineError) -> FileStorage {
    try refuseUnusable(path)
    let descriptor: Int32
    do {
      descriptor = try SystemCalls.openFile(path, .createNew)
    } catch {
      if error.number == EEXIST { throw .alreadyExists(path: path) }
      throw .storage(openError(error, path))
    }
    let storage = try adopt(descriptor, path: path, readOnly: false)
    do {
      try SystemCalls.flushDirectory(directory(of: path))
    } catch {
      storage.discard()
      throw .storage(openError(error, path))
    }
    return storage
  }

  /// Opens an existing file and locks it: against everyone, or, when read only, against writers.
  ///
  /// Throws `.notFound`, `.notAStore` for what is no regular file, `.locked`, or `.storage`.
  static func open(at path: String, readOnly: Bool) throws(EngineError) -> FileStorage {
    try refuseUnusable(path)
    let descriptor: Int32
    do {
      descriptor = try SystemCalls.openFile(path, readOnly ? .readOnly : .readWrite)
    } catch {
      switch error.number {
      case ENOENT, ENOTDIR: throw .notFound(path: path)
      // A directory, a device without driver or a socket: nothing that could be a store.
      case EISDIR, ENXIO, ENODEV: throw .notAStore(path: path)
      case ELOOP: throw .storage(unsuitable(path, "it is a symbolic link"))
      default: throw .storage(openError(error, path))
      }
    }
    return try adopt(descriptor, path: path, readOnly: readOnly)
  }

  /// Closes the file and removes it, unless its name has come to mean another file.
  ///
  /// For a store whose creation failed.
  func discard() {
    if let found = try? SystemCalls.status(at: name), found.isSameFile(as: identity) {
      try? SystemCalls.removeFile(name)
    }
    close()
  }

  /// Checks and locks a file just opened; closes it on failure.
  private static func adopt(
    _ descriptor: Int32, path: String, readOnly: Bool
  ) throws(EngineError) -> FileStorage {
    do {
      let status = try inspect(descriptor, path: path)
      try lock(descriptor, status, path: path, readOnly: readOnly)
      return FileStorage(
        path: path, descriptor: descriptor, identity: status)
    } catch {
      SystemCalls.closeFile(descriptor)
      throw error
    }
  }

  /// Refuses what is no regular file, and a file with several names: through each of them another
  /// program could believe it owns the file.
  private static func inspect(
    _ descriptor: Int32, path: String
  ) throws(EngineError) -> SystemCalls.FileStatus {
    let status: SystemCalls.FileStatus
    do {
      status = try SystemCalls.status(of: descriptor)
    } catch {
      throw .storage(openError(error, path))
    }
    guard status.isRegular else { throw .notAStore(path: path) }
    guard status.links == 1 else {
      let reason =
        status.links == 0
        ? "it was removed meanwhile" : "it has \(status.links) names (hard links)"
      throw .storage(unsuitable(path, reason))
    }
    return status
  }

  private static func lock(
    _ descriptor: Int32, _ status: SystemCalls.FileStatus, path: String, readOnly: Bool
  ) throws(EngineError) {
    do {
      try SystemCalls.lockFile(descriptor, exclusive: !readOnly)
    } catch {
      if error.number == EWOULDBLOCK {
        throw .locked(path: path, holder: SystemCalls.lockHolder(of: status))
      }
      throw .storage(StorageError(operation: .lock, error, name: path))
    }
    // Between open and lock the name may have moved on to another file, with a lock of its own.
    guard let found = try? SystemCalls.status(at: path), found.isSameFile(as: status) else {
      throw .storage(unsuitable(path, "it was replaced while it was opened"))
    }
  }

  private static func refuseUnusable(_ path: String) throws(EngineError) {
    // The system would take the part before the zero byte for the whole path.
    if path.utf8.contains(0) { throw .storage(unsuitable(path, "the path contains a zero byte")) }
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func openError(_ error: SystemError, _ path: String) -> StorageError {
    StorageError(operation: .open, error, name: path)
  }

  private static func unsuitable(_ path: String, _ reason: String) -> StorageError {
    StorageError(operation: .open, kind: .unsuitable(reason: reason), name: path)
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
