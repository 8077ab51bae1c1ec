// SPDX-License-Identifier: Apache-2.0

import CStorageSystem
import Glibc

/// A failed system call: its error number.
struct SystemError: Error, Equatable {
  /// The value of `errno`, read before any other call could change it.
  let number: Int32

  /// What the system says to a call on a closed file.
  static let closedDescriptor = SystemError(number: EBADF)
}

/// Every system call of the engine, with `errno` captured at once and interruption handled: a call
/// that a signal interrupted is made again, except where that would be wrong (see `flushData`).
enum SystemCalls {
  /// The operating system's words for an error number.
  static func message(for errno: Int32) -> String {
    guard let text = unsafe strerror(errno) else { return "error \(errno)" }
    return unsafe String(cString: text)
  }

  /// Makes a call until no signal interrupts it.
  ///
  /// A result below zero is a failure.
  @inline(__always)
  private static func uninterrupted<Result: SignedInteger>(
    _ call: () -> Result
  ) throws(SystemError) -> Result {
    while true {
      let result = call()
      if result >= 0 { return result }
      let number = errno
      if number != EINTR { throw SystemError(number: number) }
    }
  }

  /// The same for the functions of CStorageSystem, which return a negated error number.
  @inline(__always)
  private static func uninterruptedNegated(_ call: () -> Int32) throws(SystemError) {
    while true {
      let result = call()
      if result >= 0 { return }
      if result != -EINTR { throw SystemError(number: -result) }
    }
  }
}

// MARK: - Files

extension SystemCalls {
  /// What a file is opened for.
  enum OpenMode {
    case readOnly, readWrite, createNew
  }

  /// Opens a file without following a symbolic link, without handing it to child processes, and
  /// without waiting should it turn out to be a pipe.
  ///
  /// A new file belongs to its owner alone.
  static func openFile(_ path: String, _ mode: OpenMode) throws(SystemError) -> Int32 {
    let common = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
    return switch mode {
    case .readOnly: try uninterrupted { unsafe open(path, O_RDONLY | common) }
    case .readWrite: try uninterrupted { unsafe open(path, O_RDWR | common) }
    case .createNew:
      try uninterrupted { unsafe open(path, O_RDWR | O_CREAT | O_EXCL | common, 0o600) }
    }
  }

  /// Makes the names in a directory durable.
  static func flushDirectory(_ path: String) throws(SystemError) {
    let descriptor = try uninterrupted { unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { closeFile(descriptor) }
    _ = try uninterrupted { fsync(descriptor) }
  }

  /// Removes a name.
  static func removeFile(_ path: String) throws(SystemError) {
    _ = try uninterrupted { unsafe unlink(path) }
  }

  /// Closes a descriptor.
  ///
  /// Never repeated: Linux releases it even when it reports a failure.
  static func closeFile(_ descriptor: Int32) {
    _ = Glibc.close(descriptor)
  }

  /// Gives up the lock on a file, and closes it.
  ///
  /// A process that another thread starts at this moment has a copy of the descriptor until it runs
  /// its program, and would keep the lock that long.
  static func unlockAndClose(_ descriptor: Int32) {
    _ = flock(descriptor, LOCK_UN)
    closeFile(descriptor)
  }

  /// What the engine wants to know about a file.
  struct FileStatus: Equatable {
    let device: UInt64
    let inode: UInt64
    let bytes: UInt64
    let links: UInt64
    let isRegular: Bool

    init(_ status: stat) {
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
      bytes = UInt64(max(0, status.st_size))
      links = UInt64(status.st_nlink)
      isRegular = status.st_mode & S_IFMT == S_IFREG
    }

    /// Whether both describe the same file, whatever happened to it meanwhile.
    func isSameFile(as other: FileStatus) -> Bool {
      device == other.device && inode == other.inode
    }
  }

  /// Describes an open file.
  static func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    var status = stat()
    _ = try uninterrupted { unsafe fstat(descriptor, &status) }
    return FileStatus(status)
  }

  /// Describes what a path names, a symbolic link itself included.
  static func status(at path: String) throws(SystemError) -> FileStatus {
    var status = stat()
    _ = try uninterrupted { unsafe lstat(path, &status) }
    return FileStatus(status)
  }

  /// Locks a file against other opens of it, in this process or another.
  ///
  /// Does not wait.
  static func lockFile(_ descriptor: Int32, exclusive: Bool) throws(SystemError) {
    try uninterruptedNegated { storage_lock(descriptor, exclusive) }
  }

  /// Makes reads and writes bypass the page cache; false where the file system cannot.
  static func useDirectAccess(_ descriptor: Int32) -> Bool {
    storage_set_direct(descriptor) == 0
  }

  /// Opens the file of a descriptor once more; `nil` where it cannot be opened.
  static func openAgain(_ descriptor: Int32) -> Int32? {
    let again = storage_open_again(descriptor)
    return again >= 0 ? again : nil
  }

  /// Writes at most the buffer's length and flushes just that; returns how much was written.
  static func writeDurably(
    _ descriptor: Int32, from buffer: UnsafeRawBufferPointer, at offset: Int
  ) throws(SystemError) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    let count = unsafe storage_write_durably(descriptor, base, buffer.count, Int64(offset))
    guard count >= 0 else { throw SystemError(number: Int32(-count)) }
    return Int(count)
  }

  /// Sets the length of a file without reserving space.
  static func setLength(_ descriptor: Int32, _ length: Int) throws(SystemError) {
    _ = try uninterrupted { ftruncate(descriptor, length) }
  }

  /// Reserves space, extending the file.
  static func allocate(_ descriptor: Int32, at offset: Int, count: Int) throws(SystemError) {
    try uninterruptedNegated { storage_allocate(descriptor, Int64(offset), Int64(count)) }
  }

  /// Reserves space by writing to each block of it, where the file system cannot do it otherwise.
  static func allocateByWriting(
    _ descriptor: Int32, at offset: Int, count: Int
  ) throws(SystemError) {
    let number = posix_fallocate(descriptor, offset, count)
    guard number == 0 else { throw SystemError(number: number) }
  }

  /// Flushes a file's content and length.
  ///
  /// Made once, even when interrupted: after any failure the kernel may count the lost pages as
  /// clean, so that a second call would succeed for nothing.
  static func flushData(_ descriptor: Int32) throws(SystemError) {
    guard fdatasync(descriptor) == 0 else { throw SystemError(number: errno) }
  }

  /// Reads at most the buffer's length; returns how much there was.
  static func read(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemError) -> Int {
    try uninterrupted { unsafe pread(descriptor, buffer.baseAddress, buffer.count, offset) }
  }

  /// Writes at most the buffer's length; returns how much was written.
  static func write(
    _ descriptor: Int32, from buffer: UnsafeRawBufferPointer, at offset: Int
  ) throws(SystemError) -> Int {
    try uninterrupted { unsafe pwrite(descriptor, buffer.baseAddress, buffer.count, offset) }
  }
}

// MARK: - Lock holders

extension SystemCalls {
  /// Finds the process that holds a lock on a file, as far as the system tells.
  static func lockHolder(of file: FileStatus) -> Int32? {
    guard let table = try? contents(of: "/proc/locks") else { return nil }
    return LockTable.holder(
      ofInode: file.inode, major: storage_device_major(file.device),
      minor: storage_device_minor(file.device), in: table)
  }

  /// Reads a small file whole; at most 1 MiB of it.
  private static func contents(of path: String) throws(SystemError) -> String {
    let descriptor = try uninterrupted { unsafe open(path, O_RDONLY | O_CLOEXEC) }
    defer { closeFile(descriptor) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 4096)
    while bytes.count < 1 << 20 {
      let count = try uninterrupted {
        unsafe Glibc.read(descriptor, &block, block.count)
      }
      if count == 0 { break }
      bytes.append(contentsOf: block[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

// MARK: - Threads

extension SystemCalls {
  /// Milliseconds since 1970.
  @Sendable
  static func milliseconds() -> UInt64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return UInt64(max(0, now.tv_sec)) * 1000 + UInt64(now.tv_nsec / 1_000_000)
  }

  /// Lets other threads that can run go first.
  static func yield() {
    _ = sched_yield()
  }
}

// MARK: - Memory

extension SystemCalls {
  /// Maps zeroed memory of the process's own; `nil` when there is none.
  static func mapMemory(_ count: Int) -> UnsafeMutableRawBufferPointer? {
    guard count > 0, let base = unsafe storage_map_memory(count) else { return nil }
    return unsafe UnsafeMutableRawBufferPointer(start: base, count: count)
  }

  /// Gives mapped memory back.
  static func unmapMemory(_ memory: UnsafeMutableRawBufferPointer) {
    guard let base = memory.baseAddress else { return }
    unsafe storage_unmap_memory(base, memory.count)
  }

  /// Asks for huge pages behind mapped memory.
  ///
  /// Only a hint.
  static func adviseHugePages(_ memory: UnsafeMutableRawBufferPointer) {
    guard let base = memory.baseAddress else { return }
    unsafe storage_advise_huge_pages(base, memory.count)
  }
}
