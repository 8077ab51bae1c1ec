// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport
import Testing

/// Processes that want one store.
struct OwnershipTests {
  @Test
  func `of processes that open a store at once one has it and the others are refused`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try Database.create(at: path).close()
      let program = try ChildProcess.builtExecutable("crash-writer")
      for round in 0..<100 {
        let racers = try (0..<2).map { _ in try ChildProcess(program, ["race", path]) }
        let answers = try racers.map { try $0.readLine() ?? "" }
        #expect(answers.count { $0 == "open" } == 1, "round \(round): \(answers)")
        #expect(
          answers.count { $0.hasPrefix("error: \(path) is held open by") } == 1,
          "round \(round): \(answers)")
        // Half of the owners are killed, the others close the store.
        for racer in racers { round % 2 == 0 ? racer.kill() : racer.endInput() }
        for racer in racers { racer.wait() }
      }
      try Database.open(at: path).close()
    }
  }

  @Test
  func `a store is free as soon as its owner was killed`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try Database.create(at: path).close()
      let owner = try ChildProcess(ChildProcess.builtExecutable("crash-writer"), ["open", path])
      #expect(try owner.readLine() == "open")
      #expect(throws: EngineError.locked(path: path, holder: owner.identifier)) {
        _ = try Database.open(at: path)
      }
      owner.kill()
      try Database.open(at: path).close()
    }
  }

  @Test
  func `a store that was renamed is still its owner's, and its name free for another`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      let moved = directory + "/moved"
      try Database.create(at: path).close()
      let owner = try ChildProcess(ChildProcess.builtExecutable("crash-writer"), ["open", path])
      #expect(try owner.readLine() == "open")
      try FileManager.default.moveItem(atPath: path, toPath: moved)
      #expect(throws: EngineError.notFound(path: path)) { _ = try Database.open(at: path) }
      #expect(throws: EngineError.locked(path: moved, holder: owner.identifier)) {
        _ = try Database.open(at: moved)
      }
      try Database.create(at: path).close()
      owner.endInput()
      #expect(try owner.readLine() == "closed")
      owner.wait()
      try Database.open(at: moved).close()
    }
  }

  @Test
  func `an owner is not got round by another name of its file`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try Database.create(at: path).close()
      let owner = try ChildProcess(ChildProcess.builtExecutable("crash-writer"), ["open", path])
      #expect(try owner.readLine() == "open")
      let files = FileManager.default
      try files.createSymbolicLink(atPath: directory + "/symbolic", withDestinationPath: path)
      try files.linkItem(atPath: path, toPath: directory + "/hard")
      for name in ["symbolic", "hard", "store"] {
        #expect(throws: EngineError.self) { _ = try Database.open(at: "\(directory)/\(name)") }
      }
      owner.endInput()
      #expect(try owner.readLine() == "closed")
      owner.wait()
      try files.removeItem(atPath: directory + "/hard")
      try Database.open(at: path).close()
    }
  }

  @Test
  func `a closed store is free while a process is being started`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try Database.create(at: path).close()
      let isOver = Guarded(false)
      let group = DispatchGroup()
      DispatchQueue.global().async(group: group) {
        // Each has copies of all descriptors until it runs its program.
        while !isOver.withLock({ $0 }) {
          (try? ChildProcess("/usr/bin/true", []))?.wait()
        }
      }
      defer {
        isOver.withLock { $0 = true }
        group.wait()
      }
      for _ in 0..<300 { try Database.open(at: path).close() }
    }
  }
}
