// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Section 6 of the scenarios of the Rust engine Persy: ranges and the tree below an index.
struct IndexTreeScenarios {
  private typealias Numbers = Index<Int, Int>

  private func makeNumbers(_ database: Database, _ mode: IndexMode) throws -> Numbers {
    try database.transact {
      try $0.createIndex(named: "numbers", keys: Int.self, values: Int.self, mode: mode)
    }
  }

  @Test
  func `Persy 45: ranges of every kind, from both ends until they meet`() throws {
    try withStore { store in
      let index = try makeNumbers(store.database, .replace)
      try store.database.transact { transaction in
        for key in -20..<20 { try transaction.put(key * 10, forKey: key, in: index) }
      }
      try store.database.read { view in
        func keys(_ bounds: IndexBounds<Int>) throws -> [Int] {
          try view.entries(of: index, bounds).map(\.key)
        }
        #expect(try keys(.all) == Array(-20..<20))
        #expect(try keys(IndexBounds(-3...3)) == Array(-3...3))
        #expect(try keys(IndexBounds(-3..<3)) == Array(-3..<3))
        #expect(try keys(IndexBounds(15...)) == Array(15..<20))
        #expect(try keys(IndexBounds(...(-15))) == Array(-20...(-15)))
        #expect(try keys(IndexBounds(..<(-15))) == Array(-20..<(-15)))
        #expect(try keys(IndexBounds(from: .excluded(0), to: .included(2))) == [1, 2])
        #expect(try keys(IndexBounds(from: .excluded(0), to: .excluded(1))) == [])
        #expect(try keys(IndexBounds(from: .included(5), to: .included(3))) == [])
        #expect(try keys(IndexBounds(from: .excluded(5), to: .excluded(5))) == [])
        #expect(try keys(.only(7)) == [7])
        for steps in 0...40 { try meet(try view.range(in: index), afterForward: steps) }
      }
    }
  }

  /// Goes some steps from the beginning, then from the end as far as possible, and once more.
  private func meet(_ cursor: IndexCursor<Int, Int>, afterForward steps: Int) throws {
    var seen: [Int] = []
    for _ in 0..<steps { if let entry = try cursor.next() { seen.append(entry.key) } }
    while let entry = try cursor.nextBack() { seen.append(entry.key) }
    #expect(try cursor.next() == nil)
    #expect(try cursor.nextBack() == nil)
    #expect(seen.sorted() == Array(-20..<20))
  }

  @Test
  func `Persy 46: a range merges own changes, also whole leaves and keys beyond the last`() throws {
    try withStore { store in
      let index = try makeNumbers(store.database, .replace)
      try store.database.transact { transaction in
        for key in 0..<5000 { try transaction.put(key, forKey: key, in: index) }
      }
      let transaction = try store.database.begin()
      for key in 1000..<3000 { try transaction.removeKey(key, from: index) }
      for key in 5000..<5010 { try transaction.put(key, forKey: key, in: index) }
      try transaction.put(-1, forKey: -1, in: index)
      try transaction.put(-7, forKey: 7, in: index)
      let expected = [-1] + Array(0..<1000) + Array(3000..<5010)
      let entries = try transaction.entries(of: index)
      #expect(entries.map(\.key) == expected)
      #expect(entries.allSatisfy { $0.value == ($0.key == 7 ? -7 : $0.key) })
      let cursor = try transaction.range(in: index, IndexBounds(900..<3100))
      var backward: [Int] = []
      while let entry = try cursor.nextBack() { backward.append(entry.key) }
      #expect(backward == Array((Array(900..<1000) + Array(3000..<3100)).reversed()))
      try transaction.commit()
      #expect(try store.database.read { try $0.entries(of: index).map(\.key) } == expected)
    }
  }

  @Test
  func `Persy 48: a search for a key that is not there comes to its neighbours`() throws {
    try withStore { store in
      let index = try makeNumbers(store.database, .replace)
      try store.database.transact { transaction in
        for key in 0..<3000 { try transaction.put(key, forKey: 2 * key, in: index) }
      }
      try store.database.read { (view) throws in
        for key in 0..<2999 {
          let odd = 2 * key + 1
          #expect(try view.first(forKey: odd, in: index) == nil)
          #expect(try view.range(in: index, IndexBounds(odd...)).next()?.value == key + 1)
          #expect(try view.range(in: index, IndexBounds(..<odd)).nextBack()?.value == key)
        }
      }
    }
  }

  enum Order: CaseIterable { case ascending, descending, random }

  @Test(arguments: Order.allCases)
  func `Persy 49: pages split and join, checked against a model after each transaction`(
    _ order: Order
  ) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withStore { store in
      let index = try makeNumbers(store.database, .replace)
      var keys = Array(0..<3000)
      if order == .descending { keys.reverse() }
      if order == .random { keys.shuffle(using: &random) }
      var model: [Int: Int] = [:]
      for start in stride(from: 0, to: keys.count, by: 250) {
        try store.database.transact { transaction in
          for key in keys[start..<start + 250] {
            model[key] = random.below(1000)
            try transaction.put(model[key] ?? 0, forKey: key, in: index)
          }
        }
        try verify(store, index, model)
      }
      keys.shuffle(using: &random)
      for start in stride(from: 0, to: keys.count, by: 250) {
        try store.database.transact { transaction in
          for key in keys[start..<start + 250] {
            model[key] = nil
            try transaction.removeKey(key, from: index)
          }
        }
        try verify(store, index, model)
      }
    }
  }

  private func verify(_ store: TestStore, _ index: Numbers, _ model: [Int: Int]) throws {
    let entries = try store.database.read { try $0.entries(of: index) }
    #expect(entries.map(\.key) == model.keys.sorted())
    #expect(entries.allSatisfy { model[$0.key] == $0.value })
    #expect(try store.database.read { try $0.count(of: index) } == UInt64(model.count))
    try store.check()
  }

  @Test
  func `Persy 50: four threads put overlapping ranges of keys and all are there`() throws {
    try withStore { store in
      let database = store.database
      let index = try makeNumbers(database, .replace)
      try runThreads(4) { thread in
        for key in (thread / 2 * 1000)..<(thread / 2 * 1000 + 1000) {
          try Self.retry { try database.transact { try $0.put(key * 3, forKey: key, in: index) } }
        }
      }
      let entries = try database.read { try $0.entries(of: index) }
      #expect(entries.map(\.key) == Array(0..<2000))
      #expect(entries.allSatisfy { $0.value == $0.key * 3 })
    }
  }

  @Test
  func `Persy 51: four threads make transactions of one key each, with checkpoints between`()
    throws
  {
    try withStore(adjust: { $0.checkpointBytes = 64 << 10 }) { store in
      let database = store.database
      let scheduler = store.scheduler
      let index = try makeNumbers(database, .cluster)
      try runThreads(4) { thread in
        for round in 0..<800 {
          try Self.retry {
            try database.transact { try $0.put(thread, forKey: round % 400, in: index) }
          }
          if thread == 0 { scheduler.runAll() }
        }
      }
      let entries = try database.read { try $0.entries(of: index) }
      #expect(entries.map(\.key) == (0..<1600).map { $0 / 4 })
      #expect(entries.map(\.value) == (0..<1600).map { $0 % 4 })
    }
  }

  private static func retry(_ body: () throws -> Void) throws {
    while true {
      do {
        return try body()
      } catch let error as TransactionError where error.isRetryable {}
    }
  }
}
