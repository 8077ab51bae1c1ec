// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The least a durable commit can take on a disk: one aligned write of 4 KiB into a file that was
/// written before, past the page cache, made durable with `fdatasync`.
public enum FlushFloor {
  private static let blockBytes = 4096
  private static let fileBytes = 8 << 20
  // Glibc's module does not show O_DIRECT; its value is part of the kernel's interface.
  #if arch(arm64)
    private static let direct: Int32 = 0o200000
  #else
    private static let direct: Int32 = 0o40000
  #endif

  /// Seconds of each of `count` durable writes to a file of its own at `path`, which is deleted.
  public static func measure(at path: String, count: Int) throws -> [Double] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: 1 << 20, alignment: blockBytes)
    defer { unsafe buffer.deallocate() }
    unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0x5A)
    let file = try open(path)
    defer {
      close(file)
      unsafe unlink(path)
    }
    for offset in stride(from: 0, to: fileBytes, by: buffer.count) {
      try check(unsafe pwrite(file, buffer.baseAddress, buffer.count, offset) == buffer.count, path)
    }
    try check(fsync(file) == 0, path)
    return try (0..<count).map { index in
      try Recorder.seconds {
        let offset = index * blockBytes % fileBytes
        let written = unsafe pwrite(file, buffer.baseAddress, blockBytes, offset)
        try check(written == blockBytes && fdatasync(file) == 0, path)
      }
    }
  }

  /// The median in seconds of a thousand durable writes.
  public static func median(at path: String) throws -> Double {
    try measure(at: path, count: 1000).sorted()[500]
  }

  /// Past the page cache where the file system can do that.
  private static func open(_ path: String) throws -> Int32 {
    let flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC
    var file = unsafe Glibc.open(path, flags | direct, 0o600)
    if file < 0 && errno == EINVAL { file = unsafe Glibc.open(path, flags, 0o600) }
    try check(file >= 0, path)
    return file
  }

  private static func check(_ isDone: Bool, _ path: String) throws {
    guard isDone else { throw WorkloadError("\(path) cannot be written: error \(errno)") }
  }
}
