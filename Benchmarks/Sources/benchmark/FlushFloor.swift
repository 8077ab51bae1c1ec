// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The least a durable commit can take on this disk: one aligned write of 4 KiB into a file that
/// was written before, past the page cache, made durable with `fdatasync`.
struct FlushFloor {
  static let blockBytes = 4096
  static let fileBytes = 8 << 20
  // Glibc's module does not show O_DIRECT; its value is part of the kernel's interface.
  #if arch(arm64)
    private static let direct: Int32 = 0o200000
  #else
    private static let direct: Int32 = 0o40000
  #endif

  /// Seconds of each of `count` durable writes.
  static func measure(at path: String, count: Int) throws -> [Double] {
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: blockBytes)
    defer { buffer.deallocate() }
    buffer.initializeMemory(as: UInt8.self, repeating: 0x5A, count: 1 << 20)
    let file = open(path, O_RDWR | O_CREAT | O_TRUNC | direct, 0o600)
    guard file >= 0 else { throw BenchmarkFailure("cannot open \(path): \(errno)") }
    defer {
      close(file)
      unlink(path)
    }
    for offset in stride(from: 0, to: fileBytes, by: 1 << 20) {
      guard pwrite(file, buffer, 1 << 20, offset) == 1 << 20 else {
        throw BenchmarkFailure("cannot write \(path): \(errno)")
      }
    }
    guard fsync(file) == 0 else { throw BenchmarkFailure("cannot flush \(path): \(errno)") }
    return try (0..<count).map { index in
      let start = ContinuousClock.now
      let offset = index * blockBytes % fileBytes
      guard pwrite(file, buffer, blockBytes, offset) == blockBytes, fdatasync(file) == 0 else {
        throw BenchmarkFailure("cannot write \(path): \(errno)")
      }
      return (ContinuousClock.now - start) / .seconds(1)
    }
  }
}

struct BenchmarkFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
