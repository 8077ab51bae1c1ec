// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import Foundation
import StorageEngine
import TestSupport
import Testing

/// Opening: files, folders, second openers, many maps.
struct OpeningTests {
  @Test
  func `a store that does not exist is created, an empty map in it opens empty (K20, K21)`() throws
  {
    try withTemporaryDirectory { directory in
      let path = directory + "/new.store"
      for expected in 0..<3 {
        let database = try Database.openOrCreate(at: path)
        let map = try DurableMap<Int, Int>(named: "map", in: database)
        #expect(map.count == expected)
        try map.set(expected, 1)
        map.close()
        #expect(try database.check().isIntact)
        try database.close()
      }
    }
  }

  @Test
  func `foreign files beside the store are ignored and left alone (K25)`() throws {
    try withTemporaryDirectory { directory in
      let foreign = directory + "/snapshot_1_1-of-1_full.bin"
      try Data([1, 2, 3]).write(to: URL(fileURLWithPath: foreign))
      let path = directory + "/map.store"
      for expected in 0..<2 {
        let database = try Database.openOrCreate(at: path)
        let map = try DurableMap<Int, Int>(named: "map", in: database)
        #expect(map.count == expected)
        try map.set(1, 1)
        map.close()
        #expect(try database.check().isIntact)
        try database.close()
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: foreign)) == Data([1, 2, 3]))
      let files = try FileManager.default.contentsOfDirectory(atPath: directory)
      #expect(files.count == 2)
    }
  }

  @Test
  func `creating where a file is fails and overwrites nothing (K35)`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/map.store"
      let bytes = Data("something else".utf8)
      try bytes.write(to: URL(fileURLWithPath: path))
      #expect(throws: EngineError.alreadyExists(path: path)) { try Database.create(at: path) }
      #expect(throws: EngineError.notAStore(path: path)) { try Database.open(at: path) }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
    }
  }

  @Test
  func `a second opening of map or store is refused until the first is closed (K46)`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/map.store"
      let database = try Database.create(at: path)
      let map = try DurableMap<Int, Int>(named: "map", in: database)
      try map.set(1, 1)
      #expect(throws: DurableMapError.alreadyOpen(map: "map")) {
        try DurableMap<Int, Int>(named: "map", in: database)
      }
      #expect(throws: EngineError.self) { try Database.open(at: path) }
      #expect(try map.get(1) == 1)
      map.close()
      let again = try DurableMap<Int, Int>(named: "map", in: database)
      #expect(try again.get(1) == 1)
      again.close()
      #expect(try database.check().isIntact)
      try database.close()
      let reopened = try Database.open(at: path)
      #expect(try DurableMap<Int, Int>(named: "map", in: reopened).get(1) == 1)
      try reopened.close()
    }
  }

  @Test
  func `a map that is let go can be opened again (K46)`() throws {
    try withStore { store in
      for round in 0..<20 {
        let map = try DurableMap<Int, Int>(named: "map", in: store.database)
        #expect(map.count == round)
        try map.set(round, round)
      }
    }
  }

  @Test
  func `opening for reading only shows the map and never changes the file (K98)`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/map.store"
      let database = try Database.create(at: path)
      let map = try DurableMap<Int, [UInt8]>(named: "map", in: database)
      for key in 0..<300 { try map.set(key, [UInt8](repeating: 1, count: key * 500)) }
      map.close()
      try database.close()
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      var configuration = Configuration()
      configuration.isReadOnly = true
      let reading = try Database.open(at: path, configuration: configuration)
      let view = try DurableMap<Int, [UInt8]>(named: "map", in: reading)
      #expect(try view.count == 300 && view.get(299)?.count == 299 * 500)
      let refused = DurableMapError.engine(.readOnly)
      #expect(throws: refused) { try view.set(1, []) }
      #expect(throws: refused) { try view.unset(1) }
      #expect(throws: refused) { try view.clear() }
      #expect(throws: refused) { try view.update(1) { $0 = nil } }
      #expect(throws: refused) { try DurableMap<Int, Int>(named: "other", in: reading) }
      #expect(try view.get(1)?.count == 500)
      view.close()
      try reading.close()
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }
  }

  @Test
  func `nothing is printed (K84)`() throws {
    // What would be printed goes to a file meanwhile.
    try withTemporaryDirectory { directory in
      let writer = try ChildProcess(
        ChildProcess.builtExecutable("map-writer"), ["quiet", directory + "/map.store"])
      #expect(try writer.readLine() == nil)
      writer.wait()
      #expect(writer.terminationStatus == 0)
    }
  }

  @Test
  func `maps are listed, removed and made anew with other types (K44, K45)`() throws {
    try withStore { store in
      let database = store.database
      #expect(try database.durableMaps().isEmpty)
      #expect(try !database.removeDurableMap(named: "b"))
      let map = try DurableMap<Int, Int>(named: "b", in: database)
      try DurableMap<Int, Int>(named: "a", in: database).set(1, 1)
      #expect(try database.durableMaps() == ["a", "b"])
      #expect(throws: DurableMapError.alreadyOpen(map: "b")) {
        try database.removeDurableMap(named: "b")
      }
      map.close()
      #expect(try database.removeDurableMap(named: "b"))
      #expect(try database.durableMaps() == ["a"])
      let other = try DurableMap<String, Bool>(named: "b", in: database)
      #expect(other.isEmpty)
      other.close()
    }
  }

  @Test
  func `a map in whose catalog a prepared transaction has to do is not removed (K46)`() throws {
    try withStore { store in
      let database = store.database
      try DurableMap<Int, Int>(named: "map", in: database).set(1, 1)
      let transaction = try database.begin()
      let catalog = try #require(try transaction.tree(named: "memory/catalog"))
      let key = Array("map/map".utf8)
      let entry = try #require(try transaction.value(forKey: key, in: catalog))
      try transaction.put(entry, forKey: key, in: catalog)
      let prepared = try transaction.prepare()
      do throws(DurableMapError) {
        try database.removeDurableMap(named: "map")
        throw .invalidOption("removed")
      } catch .engine(.treeInUse) {
        // As it should be: the store is usable, and so is the map later.
      }
      try prepared.rollback()
      #expect(try database.removeDurableMap(named: "map"))
    }
  }

  @Test
  func `a copy made while others write opens as one consistent state (K97)`() throws {
    let disk = SimulatedDisk(recordsHistory: true)
    try withMap(Int.self, Int.self, on: disk) { fixture in
      let map = fixture.map
      for key in 0..<100 {
        var batch = DurableBatch()
        try batch.set(key, key, in: map)
        try batch.set(-key, key, in: map)
        try batch.commit()
        if key % 30 == 0 { try map.compact() }
      }
      var random = SplitMix64(seed: TestEnvironment.seed)
      for _ in 0..<20 {
        let copy = try TestStore(
          opening: disk.crashed(atMutation: disk.mutations - random.below(60), .keepAll))
        let view = try DurableMap<Int, Int>(named: "map", in: copy.database)
        let keys = try Set(view.keys())
        #expect(keys == Set(keys.map { -$0 }))
        view.close()
        try copy.checkTwiceAndClose()
      }
    }
  }
}
