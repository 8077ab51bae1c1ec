// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport
import Testing

/// Creating, opening, closing.
struct LifecycleTests {
  @Test
  func `a new store is small and is found again`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      let database = try Database.create(at: path)
      let identity = try database.information().identity
      #expect(identity.count == 16)
      try database.write { transaction in
        let tree = try transaction.createTree(named: "main")
        try transaction.put([2], forKey: [1], in: tree)
      }
      try database.close()
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.size] as? Int ?? .max <= 4 << 20)
      let again = try Database.open(at: path)
      #expect(try again.information().identity == identity)
      let view = try again.snapshot()
      #expect(try view.value(forKey: [1], in: try #require(try view.tree(named: "main"))) == [2])
      #expect(try again.check().faults.isEmpty)
      try again.close()
    }
  }

  @Test
  func `nothing is overwritten and nothing is invented`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      #expect(throws: EngineError.notFound(path: path)) { _ = try Database.open(at: path) }
      let database = try Database.create(at: path)
      #expect(throws: EngineError.alreadyExists(path: path)) { _ = try Database.create(at: path) }
      #expect(throws: EngineError.locked(path: path, holder: getpid())) {
        _ = try Database.open(at: path)
      }
      try database.close()
      #expect(throws: EngineError.alreadyExists(path: path)) { _ = try Database.create(at: path) }
      try Database.open(at: path).close()
    }
  }

  @Test
  func `a store let go without being closed keeps what was acknowledged`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      do {
        let database = try Database.create(at: path)
        try database.write { transaction in
          try transaction.put([2], forKey: [1], in: transaction.createTree(named: "main"))
        }
      }
      let again = try Database.open(at: path)
      let view = try again.snapshot()
      #expect(try view.value(forKey: [1], in: try #require(try view.tree(named: "main"))) == [2])
      #expect(try again.check().faults.isEmpty)
      view.close()
      try again.close()
    }
  }

  @Test
  func `a closed store refuses everything`() throws {
    let store = try TestStore()
    let database = store.database
    try store.commit([.createTree("main")])
    try database.close()
    #expect(throws: EngineError.closed) { _ = try database.snapshot() }
    #expect(throws: EngineError.closed) { try store.commit([.createTree("other")]) }
    #expect(throws: EngineError.closed) { try database.checkpoint() }
    #expect(throws: EngineError.closed) { try database.flush() }
    #expect(throws: EngineError.closed) { _ = try database.check() }
    #expect(throws: EngineError.closed) { _ = try database.information() }
    store.scheduler.runAll()
    #expect(store.disk.violations.isEmpty)
  }

  @Test
  func `opening and closing many times changes nothing`() throws {
    try withStore { store in
      var model = Model()
      try store.commit([.createTree("main"), Workload.put("main", "k", [1])], to: &model)
      let bytes = try store.database.information().fileBytes
      for _ in 0..<30 {
        try store.reopen()
        try model.verify(try store.database.snapshot())
      }
      #expect(try store.database.information().fileBytes == bytes)
    }
  }

  @Test
  func `the page size is the file's, whatever the configuration says`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk, pageBytes: 16_384)
    try store.commit([.createTree("main"), Workload.put("main", "k", [1])])
    try store.database.close()
    var configuration = store.configuration
    configuration.pageBytes = 4096
    let again = try TestStore(opening: disk.reopened(), configuration: configuration)
    #expect(try again.database.information().pageBytes == 16_384)
    try again.checkTwiceAndClose()
  }

  @Test
  func `impossible configurations are refused`() throws {
    func refused(_ change: (inout Configuration) -> Void) -> Bool {
      var configuration = Configuration()
      change(&configuration)
      do {
        _ = try Database.create(on: SimulatedDisk(), configuration: configuration)
        return false
      } catch EngineError.invalidConfiguration {
        return true
      } catch {
        return false
      }
    }
    #expect(refused { $0.pageBytes = 0 })
    #expect(refused { $0.pageBytes = 2048 })
    #expect(refused { $0.pageBytes = 5000 })
    #expect(refused { $0.pageBytes = 131_072 })
    #expect(refused { $0.pageBytes = -4096 })
    #expect(refused { $0.cacheBytes = 0 })
    #expect(refused { $0.cacheBytes = -1 })
    #expect(refused { $0.cacheBytes = 4 << 20 - 1 })
    #expect(refused { $0.cacheBytes = 1 << 42 })
    #expect(refused { $0.checkpointBytes = -1 })
    #expect(refused { $0.checkpointBytes = 0 })
  }
}
