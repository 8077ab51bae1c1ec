// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import StorageEngine

/// One process at a time, and one handle at a time within it.
struct LockTests {
  @Test
  func `a second open in the same process is refused and names this process`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      let first = try FileStorage.create(at: path)
      let expected = EngineError.locked(path: path, holder: getpid())
      for readOnly in [true, false] {
        #expect(throws: expected) { _ = try FileStorage.open(at: path, readOnly: readOnly) }
      }
      first.close()
      let second = try FileStorage.open(at: path, readOnly: false)
      // Closing the refused handles must not have released the lock of the one that holds it.
      #expect(throws: expected) { _ = try FileStorage.open(at: path, readOnly: false) }
      second.close()
    }
  }

  @Test
  func `several may read, none may write meanwhile`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try FileStorage.create(at: path).close()
      let first = try FileStorage.open(at: path, readOnly: true)
      let second = try FileStorage.open(at: path, readOnly: true)
      first.close()
      #expect(throws: EngineError.self) { _ = try FileStorage.open(at: path, readOnly: false) }
      second.close()
      try FileStorage.open(at: path, readOnly: false).close()
    }
  }

  @Test
  func `a lock of another process is refused, names it, and ends when it is killed`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try FileStorage.create(at: path).close()
      let holder = try ChildProcess("/usr/bin/flock", [path, "--command", "echo held; read line"])
      #expect(try holder.readLine() == "held")
      let error = #expect(throws: EngineError.self) {
        _ = try FileStorage.open(at: path, readOnly: false)
      }
      // The lock may be shown for the tool that took it or for the shell that inherited it.
      guard case .locked(path, let process?) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(process == holder.identifier)
      holder.endInput()
      holder.wait()
      try FileStorage.open(at: path, readOnly: false).close()
    }
  }

  @Test
  func `a file that lost its name is not taken for the one that has it now`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      let first = try FileStorage.create(at: path)
      try FileManager.default.removeItem(atPath: path)
      let second = try FileStorage.create(at: path)
      #expect(throws: EngineError.alreadyExists(path: path)) {
        _ = try FileStorage.create(at: path)
      }
      first.close()
      second.close()
    }
  }

  @Test
  func `the holder is found in the table of locks`() {
    let table = """
      1: POSIX  ADVISORY  WRITE 11 fe:00:77 0 EOF
      2: FLOCK  ADVISORY  WRITE 22 fe:01:77 0 EOF
      3: FLOCK  ADVISORY  WRITE 33 fe:00:77 0 EOF
      3: -> FLOCK  ADVISORY  WRITE 44 fe:00:77 0 EOF
      4: FLOCK  ADVISORY  WRITE 55 00:1f:78 0 EOF
      garbage
      5: FLOCK
      6: FLOCK  ADVISORY  WRITE -1 fe:00:79 0 EOF
      7: FLOCK  ADVISORY  WRITE 66 fe:00 0 EOF
      """
    func holder(_ inode: UInt64, _ major: UInt32) -> Int32? {
      LockTable.holder(ofInode: inode, major: major, minor: 0, in: table)
    }
    #expect(holder(77, 0xFE) == 33)
    #expect(holder(77, 0x08) == 22)
    #expect(holder(78, 0xFE) == 55)
    #expect(holder(79, 0xFE) == nil)
    #expect(holder(80, 0xFE) == nil)
  }
}
