// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A failed system call on a file: which file, what was tried, and the system's error number.
struct FileFailure: Error, Sendable {
  let path: String
  let action: String
  let number: Int32

  /// The operating system's words for the error number.
  var reason: String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
  }
}

extension FileFailure {
  /// A reader went away that may do so: no failure at all.
  static let readerHasSeenEnough = FileFailure(path: "", action: "", number: 0)

  /// Whether nobody reads what was to be written.
  var isReaderGone: Bool { number == EPIPE }
}

/// An open file, pipe or terminal.
///
/// With `Interruption`, the only place of the tool that calls the operating system.
struct Descriptor: Sendable {
  static let input = Descriptor(number: STDIN_FILENO, path: "standard input")
  static let output = Descriptor(number: STDOUT_FILENO, path: "standard output")
  static let error = Descriptor(number: STDERR_FILENO, path: "standard error")

  let number: Int32
  /// The name for messages.
  let path: String

  /// Opens a file for reading.
  static func reading(_ path: String) throws(FileFailure) -> Descriptor {
    let file = try open(path, O_RDONLY | O_CLOEXEC)
    guard !file.isDirectory else {
      file.close()
      throw FileFailure(path: path, action: "read", number: EISDIR)
    }
    return file
  }

  /// Creates a file that must not exist yet; a private one only its owner may read.
  static func creating(_ path: String, isPrivate: Bool) throws(FileFailure) -> Descriptor {
    try open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode: isPrivate ? 0o600 : 0o666)
  }

  /// Creates a folder that must not exist yet.
  static func makeFolder(_ path: String) throws(FileFailure) {
    guard unsafe mkdir(path, 0o777) == 0 else {
      throw FileFailure(path: path, action: "create the folder", number: errno)
    }
  }

  /// Opens what exists for writing.
  static func writing(_ path: String) throws(FileFailure) -> Descriptor {
    try open(path, O_WRONLY | O_CLOEXEC)
  }

  private static func open(
    _ path: String, _ flags: Int32, mode: mode_t = 0
  ) throws(FileFailure) -> Descriptor {
    let number = unsafe Glibc.open(path, flags, mode)
    guard number >= 0 else { throw FileFailure(path: path, action: "open", number: errno) }
    return Descriptor(number: number, path: path)
  }

  /// Whether a person sits at the other end.
  var isTerminal: Bool { isatty(number) == 1 }

  /// The width of the terminal in characters; nil when it is none.
  var terminalWidth: Int? {
    var size = winsize()
    let result = unsafe ioctl(number, UInt(TIOCGWINSZ), &size)
    return result == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
  }

  /// How many bytes the file has; nil where that is not a property of it, as of a pipe.
  var byteCount: UInt64? {
    var status = stat()
    guard unsafe fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return nil
    }
    return UInt64(max(0, status.st_size))
  }

  private var isDirectory: Bool {
    var status = stat()
    return unsafe fstat(number, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Reads at most `count` bytes; none at the end.
  func read(upTo count: Int) throws(FileFailure) -> [UInt8] {
    var result = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      repeat {
        result = unsafe Glibc.read(number, buffer.baseAddress, count)
      } while result < 0 && errno == EINTR
      initialized = max(result, 0)
    }
    guard result >= 0 else { throw failure("read") }
    return bytes
  }

  /// Waits until there is something to read (or the end) here or on `other`; true when here.
  func awaitInput(or other: Descriptor) throws(FileFailure) -> Bool {
    var waiting = [
      pollfd(fd: number, events: Int16(POLLIN), revents: 0),
      pollfd(fd: other.number, events: Int16(POLLIN), revents: 0),
    ]
    while unsafe poll(&waiting, nfds_t(waiting.count), -1) < 0 {
      guard errno == EINTR else { throw failure("read") }
    }
    return waiting[1].revents == 0
  }

  /// Writes all of the bytes.
  func write(_ bytes: some Collection<UInt8>) throws(FileFailure) {
    var rest = ArraySlice(bytes)
    while !rest.isEmpty {
      let written = unsafe rest.withUnsafeBytes { buffer in
        unsafe Glibc.write(number, buffer.baseAddress, buffer.count)
      }
      if written >= 0 {
        rest = rest.dropFirst(written)
      } else if errno != EINTR {
        throw failure("write")
      }
    }
  }

  /// Makes what was written durable.
  func flush() throws(FileFailure) {
    guard fsync(number) == 0 else { throw failure("flush") }
  }

  func close() {
    _ = Glibc.close(number)
  }

  private func failure(_ action: String) -> FileFailure {
    FileFailure(path: path, action: action, number: errno)
  }
}

/// What is done to names of files.
enum FileNames {
  /// Gives a file another name, in place of any file of that name.
  static func rename(_ path: String, to target: String) throws(FileFailure) {
    guard unsafe Glibc.rename(path, target) == 0 else {
      throw FileFailure(path: target, action: "create", number: errno)
    }
  }

  /// Removes a file; one that is not there is fine.
  static func remove(_ path: String) {
    _ = unsafe unlink(path)
  }

  /// Whether the path names an ordinary file (also through a link), or nothing.
  static func isFileOrAbsent(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
  }

  /// What follows the last point of the last part of a path, in lower case; nil without a point.
  static func lowercasedExtension(_ path: String) -> String? {
    let name = path.split(separator: "/").last ?? ""
    return name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() }
  }

  /// Whether anything is at the path, a dangling link included.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0
  }
}
