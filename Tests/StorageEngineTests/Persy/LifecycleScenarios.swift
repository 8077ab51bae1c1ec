// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport
import Testing

/// Section 1 of the scenarios of the Rust engine Persy: creating, opening and closing.
struct LifecycleScenarios {
  private struct Failure: Error {}

  @Test
  func `Persy 1: a store is created on a fresh path`() throws {
    try withTemporaryDirectory { directory in
      try Database.create(at: directory + "/store").close()
      #expect(FileManager.default.fileExists(atPath: directory + "/store"))
    }
  }

  @Test
  func `Persy 2: a second creation on the same path is refused`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      let database = try Database.create(at: path)
      #expect(throws: EngineError.alreadyExists(path: path)) { _ = try Database.create(at: path) }
      try database.close()
      #expect(throws: EngineError.alreadyExists(path: path)) { _ = try Database.create(at: path) }
    }
  }

  @Test
  func `Persy 3: a created store opens`() throws {
    try withTemporaryDirectory { directory in
      try Database.create(at: directory + "/store").close()
      let database = try Database.open(at: directory + "/store")
      #expect(try database.check().isIntact)
      try database.close()
    }
  }

  @Test
  func `Persy 4: a missing file is not found`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/missing"
      #expect(throws: EngineError.notFound(path: path)) { _ = try Database.open(at: path) }
    }
  }

  @Test
  func `Persy 5: a random, empty or truncated file is refused and left as it is`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      let database = try Database.create(at: path)
      _ = try database.makeRecord()
      try database.close()
      let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      let cuts = [0, 1, 4095, 4096, 8192, 8193, 100_000, whole.count / 2]
      var contents = cuts.map { Array(whole.prefix($0)) }
      contents += [random.bytes(100), random.bytes(65_536)]
      for content in contents {
        try Data(content).write(to: URL(fileURLWithPath: path))
        #expect(throws: EngineError.self) { _ = try Database.open(at: path) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(content))
      }
    }
  }

  @Test
  func `Persy 6: a second opening is refused until the store is closed`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      let database = try Database.create(at: path)
      do {
        _ = try Database.open(at: path)
        Issue.record("it was opened twice")
      } catch EngineError.locked {}
      try database.close()
      try Database.open(at: path).close()
    }
  }

  @Test
  func `Persy 7: an initialiser runs once, and leaves nothing behind when it fails`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      #expect(throws: Failure.self) {
        _ = try Database.openOrCreate(at: path) { transaction in
          _ = try transaction.createSegment(named: "half")
          throw Failure()
        }
      }
      #expect(!FileManager.default.fileExists(atPath: path))
      var runs = 0
      for _ in 0..<3 {
        let database = try Database.openOrCreate(at: path) { transaction in
          runs += 1
          _ = try transaction.createSegment(named: "whole")
        }
        #expect(try database.read { try $0.segments().map(\.name) } == ["whole"])
        try database.close()
      }
      #expect(runs == 1)
    }
  }

  @Test
  func `Persy 7: an initialiser that failed on an empty store runs again`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      // As a process leaves it that ended between the creation and the first commit.
      try Database.create(at: path).close()
      #expect(throws: Failure.self) {
        _ = try Database.openOrCreate(at: path) { _ in throw Failure() }
      }
      #expect(FileManager.default.fileExists(atPath: path))
      let database = try Database.openOrCreate(at: path) {
        _ = try $0.createSegment(named: "whole")
      }
      #expect(try database.read { try $0.hasSegment(named: "whole") })
      try database.close()
    }
  }

  /// Ours has a call for each way of opening instead of flags that can be at odds.
  ///
  /// None empties a store that exists: who wants that removes the file, and says so.
  @Test
  func `Persy 8: every way of opening meets a missing file and a present one`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      #expect(throws: EngineError.notFound(path: path)) { _ = try Database.open(at: path) }
      let database = try Database.openOrCreate(at: path)
      let record = try database.makeRecord()
      try database.close()
      #expect(throws: EngineError.alreadyExists(path: path)) { _ = try Database.create(at: path) }
      for round in 0..<2 {
        let again =
          round == 0 ? try Database.open(at: path) : try Database.openOrCreate(at: path)
        #expect(try again.committed(record) == bytes("old"))
        try again.close()
      }
    }
  }

  @Test
  func `Persy 9: a store in memory works, and is full at its limit`() throws {
    let database = try Database.inMemory(limit: 8 << 20)
    let segment = try database.makeSegment()
    let index = try database.makeIndex(.cluster)
    var kept: [RecordID: [UInt8]] = [:]
    var isFull = false
    for number in 0..<100 where !isFull {
      do {
        try database.transact { transaction in
          let content = [UInt8](repeating: UInt8(number), count: 200_000)
          let record = try transaction.insert(content, into: segment)
          try transaction.put(record.number, forKey: "all", in: index)
          kept[record] = content
        }
      } catch TransactionError.engine(.outOfSpace) {
        isFull = true
      } catch SegmentError.engine(.outOfSpace) {
        isFull = true
      }
    }
    #expect(isFull)
    let found = try database.read { try $0.records(of: segment) }
    #expect(found.count > 5 && found.count <= kept.count)
    #expect(found.allSatisfy { kept[$0.key] == $0.value })
    #expect(try database.read { try $0.values(forKey: "all", in: index).count } == found.count)
    #expect(try database.check().isIntact)
    try database.close()
  }

  @Test
  func `Persy 10: what was committed is there after the handle was dropped`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      // Nothing is left to flush when the handle goes: a commit returns when it is durable.
      let record = try { try Database.create(at: path).makeRecord() }()
      let database = try Database.open(at: path)
      #expect(try database.committed(record) == bytes("old"))
      try database.close()
    }
  }
}
