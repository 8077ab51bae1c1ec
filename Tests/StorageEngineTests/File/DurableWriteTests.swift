// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import StorageEngine

/// How commits reach the disk follows from what the file system can do.
struct DurableWriteTests {
  /// A directory of the disk, and one of a file system in memory, which may not bypass its cache.
  static let places = ["/tmp", "/dev/shm"]

  @Test(arguments: places)
  func `whether commits bypass the page cache is found out at opening, and told`(
    _ place: String
  ) throws {
    try withTemporaryDirectory(in: place) { directory in
      let path = directory + "/store"
      let database = try Database.create(at: path)
      let canBypass = Self.canBypassCache(path)
      #expect(try database.information().durableWrites == (canBypass ? .direct : .cached))
      try database.write { _ = try $0.createTree(named: "main") }
      try database.close()
      let again = try Database.open(at: path)
      #expect(try again.information().durableWrites == (canBypass ? .direct : .cached))
      #expect(try again.snapshot().trees().map(\.name) == ["main"])
      try again.close()
    }
  }

  @Test(arguments: places)
  func `a durable write is read back`(_ place: String) throws {
    try withTemporaryDirectory(in: place) { directory in
      let storage = try FileStorage.create(at: directory + "/store")
      try storage.resize(to: 1 << 20)
      try storage.writeDurably([UInt8](repeating: 9, count: 8192), at: 4096)
      #expect(try storage.read(8192, at: 4096) == [UInt8](repeating: 9, count: 8192))
      storage.close()
    }
  }

  @Test
  func `a storage that is no file tells nothing of it`() throws {
    let database = try Database.inMemory()
    #expect(try database.information().durableWrites == .other)
    try database.close()
  }

  /// What Glibc's module does not show; each architecture has its own.
  private static var directFlag: Int32 {
    #if arch(arm) || arch(arm64)
      0o200000
    #else
      0o40000
    #endif
  }

  private static func canBypassCache(_ path: String) -> Bool {
    let descriptor = unsafe open(path, O_RDWR | directFlag)
    guard descriptor >= 0 else { return false }
    close(descriptor)
    return true
  }
}
