// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import StorageEngine

/// Opening, creating and refusing files.
struct FileStorageTests {
  @Test
  func `a new file belongs to its owner alone and is found again`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      let storage = try FileStorage.create(at: path)
      try storage.write([UInt8](repeating: 3, count: 4096), at: 0)
      try storage.flush()
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      storage.close()
      let again = try FileStorage.open(at: path, readOnly: false)
      #expect(try again.read(4096, at: 0) == [UInt8](repeating: 3, count: 4096))
      again.close()
    }
  }

  @Test
  func `nothing at the path is not found, anything there is not overwritten`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      #expect(throws: EngineError.notFound(path: path)) {
        _ = try FileStorage.open(at: path, readOnly: false)
      }
      try Data("hello".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: EngineError.alreadyExists(path: path)) {
        _ = try FileStorage.create(at: path)
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("hello".utf8))
      #expect(throws: EngineError.alreadyExists(path: directory)) {
        _ = try FileStorage.create(at: directory)
      }
    }
  }

  @Test
  func `a store whose creation was cut short is created at the next try`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try Database.create(at: path).close()
      var whole = try Data(contentsOf: URL(fileURLWithPath: path))
      whole.replaceSubrange(0..<8192, with: Data(count: 8192))
      for left in [Data(), Data(count: 8192), Data(count: whole.count), whole] {
        for creates in [true, false] {
          try left.write(to: URL(fileURLWithPath: path))
          let database = try creates ? Database.create(at: path) : Database.openOrCreate(at: path)
          try database.write { _ = try $0.createTree(named: "main") }
          #expect(try database.check().isIntact)
          try database.close()
          try Database.open(at: path).close()
        }
      }
    }
  }

  @Test
  func `what no creation leaves is not taken over`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      var late = Data(count: 8192 + 3 << 20)
      late[late.count - 1] = 1
      var early = Data(count: 8192)
      early[100] = 1
      for foreign in [late, early, Data(count: 8192 + 4 << 20)] {
        try foreign.write(to: URL(fileURLWithPath: path))
        #expect(throws: EngineError.alreadyExists(path: path)) {
          _ = try Database.create(at: path)
        }
        #expect(throws: EngineError.notAStore(path: path)) {
          _ = try Database.openOrCreate(at: path)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == foreign)
      }
    }
  }

  @Test(arguments: [true, false])
  func `what is no regular file is no store`(_ readOnly: Bool) throws {
    try withTemporaryDirectory { directory in
      let pipe = directory + "/pipe"
      #expect(unsafe mkfifo(pipe, 0o600) == 0)
      for path in [directory, pipe, "/dev/null"] {
        #expect(throws: EngineError.notAStore(path: path)) {
          _ = try FileStorage.open(at: path, readOnly: readOnly)
        }
      }
    }
  }

  @Test
  func `links are refused`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try FileStorage.create(at: path).close()
      let symbolic = directory + "/symbolic"
      try FileManager.default.createSymbolicLink(atPath: symbolic, withDestinationPath: path)
      #expect(throws: openError(symbolic, .unsuitable(reason: "it is a symbolic link"))) {
        _ = try FileStorage.open(at: symbolic, readOnly: false)
      }
      #expect(throws: EngineError.alreadyExists(path: symbolic)) {
        _ = try FileStorage.create(at: symbolic)
      }
      try FileManager.default.linkItem(atPath: path, toPath: directory + "/hard")
      #expect(throws: openError(path, .unsuitable(reason: "it has 2 names (hard links)"))) {
        _ = try FileStorage.open(at: path, readOnly: false)
      }
    }
  }

  @Test
  func `paths that cannot be are refused`() throws {
    try withTemporaryDirectory { directory in
      let zero = openError(
        "a\0b", .unsuitable(reason: "the path contains a zero byte"))
      #expect(throws: zero) { _ = try FileStorage.open(at: "a\0b", readOnly: false) }
      #expect(throws: zero) { _ = try FileStorage.create(at: "a\0b") }
      #expect(throws: EngineError.notFound(path: "")) {
        _ = try FileStorage.open(at: "", readOnly: false)
      }
      let orphan = directory + "/no/such/store"
      #expect(throws: EngineError.notFound(path: orphan)) {
        _ = try FileStorage.open(at: orphan, readOnly: false)
      }
      #expect(throws: openError(orphan, .system(errno: ENOENT))) {
        _ = try FileStorage.create(at: orphan)
      }
      let long = directory + "/" + String(repeating: "x", count: 300)
      #expect(throws: openError(long, .system(errno: ENAMETOOLONG))) {
        _ = try FileStorage.create(at: long)
      }
    }
  }

  @Test
  func `a relative path works`() throws {
    let name = "relative-\(UUID().uuidString).store"
    defer { try? FileManager.default.removeItem(atPath: name) }
    try FileStorage.create(at: name).close()
    try FileStorage.open(at: name, readOnly: true).close()
  }

  @Test
  func `a discarded file is gone, but not another that took its name`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try FileStorage.create(at: path).discard()
      #expect(!FileManager.default.fileExists(atPath: path))
      let storage = try FileStorage.create(at: path)
      try FileManager.default.removeItem(atPath: path)
      try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
      storage.discard()
      #expect(FileManager.default.fileExists(atPath: path))
    }
  }

  @Test
  func `a file that was cut between blocks ends too early`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try Data(repeating: 1, count: 4096 + 100).write(to: URL(fileURLWithPath: path))
      let storage = try FileStorage.open(at: path, readOnly: false)
      #expect(try storage.length() == 4196)
      #expect(try storage.read(4096, at: 0) == [UInt8](repeating: 1, count: 4096))
      let error = #expect(throws: StorageError.self) { _ = try storage.read(8192, at: 0) }
      #expect(error?.kind == .unexpectedEnd)
      storage.close()
    }
  }

  @Test
  func `reading works and writing fails on a file opened for reading`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try Data(repeating: 1, count: 8192).write(to: URL(fileURLWithPath: path))
      let storage = try FileStorage.open(at: path, readOnly: true)
      #expect(try storage.read(8192, at: 0).count == 8192)
      let block = [UInt8](repeating: 0, count: 4096)
      let error = #expect(throws: StorageError.self) { try storage.write(block, at: 0) }
      #expect(error?.kind == .system(errno: EBADF))
      storage.close()
    }
  }

  @Test
  func `growth reserves space on the disk`() throws {
    try withTemporaryDirectory(in: "/var/tmp") { directory in
      let path = directory + "/store"
      let storage = try FileStorage.create(at: path)
      try storage.resize(to: 1 << 20)
      var status = stat()
      #expect(unsafe stat(path, &status) == 0)
      #expect(status.st_blocks * 512 >= 1 << 20)
      storage.close()
    }
  }

  private func openError(_ path: String, _ kind: StorageError.Kind) -> EngineError {
    .storage(StorageError(operation: .open, kind: kind, name: path))
  }
}
