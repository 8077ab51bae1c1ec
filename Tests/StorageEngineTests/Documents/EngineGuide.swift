// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport
import Testing

/// The examples of docs/ENGINE.md, compiled and run.
struct EngineGuide {
  @Test
  func `every example of the guide is one of these, line by line`() throws {
    let guide = try SourceTree.text("docs/ENGINE.md")
    let source = Self.lines(
      try SourceTree.text("Tests/StorageEngineTests/Documents/EngineGuide.swift"))
    let examples = guide.matches(of: /(?s)```swift\n(.*?)```/).map { Self.lines(String($0.1)) }
    #expect(examples.count == 13)
    for example in examples {
      let example = example.map { $0.replacingOccurrences(of: "\"harbour.store\"", with: "path") }
      let starts = source.indices.filter { source[$0...].starts(with: example) }
      #expect(starts.count == 1, "\(example.joined(separator: "\n"))")
    }
  }

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
  }

  private func withPath(_ body: (String) throws -> Void) throws {
    try withTemporaryDirectory { try body($0 + "/harbour.store") }
  }

  private func withDatabase(_ body: (Database) throws -> Void) throws {
    let database = try Database.inMemory(limit: 64 << 20)
    try body(database)
    #expect(try database.check().isIntact)
    try database.close()
  }

  @Test
  func `a store is created, opened, and opened for reading`() throws {
    try withPath { path in
      let database = try Database.openOrCreate(at: path) { transaction in
        _ = try transaction.createTree(named: "ports")
      }
      try database.close()

      var configuration = Configuration()
      configuration.isReadOnly = true
      let reader = try Database.open(at: path, configuration: configuration)
      let trees = try reader.read { view in try view.trees().map(\.name) }
      try reader.close()
      #expect(trees == ["ports"])
    }
    let scratch = try Database.inMemory(limit: 64 << 20)
    #expect(try scratch.information().trees.isEmpty)
  }

  @Test
  func `a tree is filled and visited`() throws {
    try withDatabase { database in
      let ports = try database.write { transaction in
        let ports = try transaction.createTree(named: "ports")
        for (code, name) in [("DEHAM", "Hamburg"), ("DEBRE", "Bremen"), ("NOOSL", "Oslo")] {
          try transaction.put(Array(name.utf8), forKey: Array(code.utf8), in: ports)
        }
        return ports
      }
      let german = try database.read { view in
        var names: [String] = []
        let cursor = try view.cursor(in: ports, range: .prefix(Array("DE".utf8)))
        while try cursor.next() {
          names.append(String(decoding: try cursor.value(), as: UTF8.self))
        }
        return names
      }
      // Bremen, Hamburg
      #expect(german == ["Bremen", "Hamburg"])
    }
  }

  @Test
  func `records are inserted, named by a text and scanned`() throws {
    try withDatabase { database in
      let loading = try database.begin()
      let ships = try loading.createSegment(named: "ships")
      let ship = try loading.insert(Array("Rickmer Rickmers".utf8), into: ships)
      try loading.update(ship, to: Array("Cap San Diego".utf8))
      try loading.commit()

      let text = ship.description  // 20 letters and digits, in the order of the identifiers
      let view = try database.snapshot()
      let record = try RecordID(text).flatMap { try view.read($0) }
      let scan = try view.scan(ships)
      var count = 0
      while let (id, bytes) = try scan.next() {
        count += id == ship && bytes == record ? 1 : 0
      }
      view.close()
      #expect(record == bytes("Cap San Diego") && count == 1 && text.count == 20)
    }
  }

  @Test
  func `indexes of the three modes are filled and read`() throws {
    try withDatabase { database in
      let filling = try database.begin()
      let numbers = try filling.createIndex(
        named: "numbers", keys: String.self, values: Int.self, mode: .exclusive)
      let berths = try filling.createIndex(
        named: "berths", keys: Int.self, values: String.self, mode: .cluster)
      let visits = try filling.createIndex(
        named: "visits", keys: IndexTuple<String, Int>.self, values: UInt32.self, mode: .replace)

      try filling.put(1, forKey: "DEHAM", in: numbers)
      do {
        try filling.put(2, forKey: "DEHAM", in: numbers)
      } catch IndexError.duplicateKey {
        // Exclusive: the key has a value. The transaction goes on.
      }
      try filling.put("NLRTM", forKey: 14, in: berths)
      try filling.put("DEHAM", forKey: 14, in: berths)  // Cluster: one more.
      try filling.put(7, forKey: IndexTuple("DEHAM", 2026), in: visits)
      try filling.put(8, forKey: IndexTuple("DEHAM", 2026), in: visits)  // Replace: in its place.
      try filling.commit()

      let found = try database.read { view in
        guard let berths = try view.index(named: "berths", keys: Int.self, values: String.self)
        else { return [String]() }
        let cursor = try view.range(in: berths, IndexBounds(10..<20))
        let first = try cursor.next()
        let last = try cursor.nextBack()
        return [first?.value, last?.value].compactMap { $0 }
      }
      // DEHAM, NLRTM: the values of a key are in order
      #expect(found == ["DEHAM", "NLRTM"])
      let view = try database.snapshot()
      #expect(try view.values(forKey: "DEHAM", in: numbers) == [1])
      #expect(try view.first(forKey: IndexTuple("DEHAM", 2026), in: visits) == 8)
      view.close()
    }
  }

  func addBerth(at port: [UInt8], in tree: TreeID, of database: Database) throws {
    while true {
      let transaction = try database.begin(TransactionOptions(strategy: .versionOnRead))
      let berths = try transaction.value(forKey: port, in: tree)?.first ?? 0
      try transaction.put([berths + 1], forKey: port, in: tree)
      do throws(TransactionError) {
        return try transaction.commit()
      } catch {
        // Somebody changed it meanwhile: again, from the state there is now.
        guard error.isRetryable else { throw error }
      }
    }
  }

  @Test
  func `of conflicting transactions each is tried until it commits`() throws {
    try withDatabase { database in
      let tree = try database.write { try $0.createTree(named: "berths") }
      try runThreads(4) { _ in
        for _ in 0..<20 { try addBerth(at: [1], in: tree, of: database) }
      }
      #expect(try database.read { try $0.value(forKey: [1], in: tree) } == [80])
    }
  }

  @Test
  func `a prepared transaction is committed, one in doubt is decided by a plan`() throws {
    try withPath { path in
      let database = try Database.create(at: path)
      let orders = try database.write { try $0.createSegment(named: "orders") }

      let order = try database.begin(TransactionOptions(identifier: Array("order 7".utf8)))
      let paid = try order.insert(Array("paid".utf8), into: orders)
      let prepared = try order.prepare()
      try prepared.commit()

      for name in ["order 8", "order 9"] {
        let later = try database.begin(TransactionOptions(identifier: bytes(name)))
        _ = try later.insert(bytes(name), into: orders)
        try later.prepare().leaveInDoubt()
      }
      try database.close()

      let plan = try Database.recover(at: path)
      for found in plan.transactions where found.state == .inDoubt {
        // Here the coordinator is asked.
        let isPaid = found.identifier == Array("order 8".utf8)
        try plan.decide(isPaid ? .commit : .rollback, on: found.number)
      }
      let recovered = try plan.finish()

      let records = try recovered.read { try $0.records(of: orders) }
      #expect(records[paid] == bytes("paid"))
      #expect(Set(records.values) == [bytes("paid"), bytes("order 8")])
      try recovered.close()
    }
  }

  @Test
  func `snapshots show what was, for a while or under a name`() throws {
    try withDatabase { database in
      let key = bytes("key")
      let tree = try database.write { transaction in
        let tree = try transaction.createTree(named: "tree")
        try transaction.put([1], forKey: key, in: tree)
        return tree
      }

      let before = try database.snapshot()
      try database.write { try $0.put([2], forKey: key, in: tree) }
      let old = try before.value(forKey: key, in: tree)  // what it was
      before.close()

      try database.createSnapshot(named: "november")
      try database.write { try $0.delete(key, in: tree) }
      let november = try database.snapshot(named: "november")
      let kept = try november.value(forKey: key, in: tree)  // [2]
      november.close()
      try database.dropSnapshot(named: "november")
      #expect(old == [1] && kept == [2])
      #expect(try database.namedSnapshots().isEmpty)
    }
  }

  @Test
  func `space is given back and accounted for`() throws {
    try withDatabase { database in
      let tree = try database.write { transaction in
        let tree = try transaction.createTree(named: "tree")
        for key in 0..<200 {
          try transaction.put(
            [UInt8](repeating: 1, count: 60_000), forKey: [UInt8(key)], in: tree)
        }
        return tree
      }
      try database.write { transaction in
        for key in 0..<190 { try transaction.delete([UInt8(key)], in: tree) }
      }

      let report = try database.compact()
      let figures = try database.information()
      let usage = try database.treeUsage()
      let isIntact = try database.check().isIntact
      #expect(report.bytesAfter < report.bytesBefore && isIntact)
      #expect(figures.fileBytes == report.bytesAfter && figures.trees[0].entries == 10)
      #expect(usage.map(\.name) == ["tree"])
    }
  }

  @Test
  func `an error says what is wrong`() throws {
    try withPath { path in
      do {
        try Database.open(at: path).close()
      } catch EngineError.notFound(let missing) {
        print("no store at \(missing)")
      } catch EngineError.corrupt(let damage) {
        print("\(damage.structure) at byte \(damage.offset): \(damage.problem)")
      }
      #expect(throws: EngineError.notFound(path: path)) { _ = try Database.open(at: path) }
    }
  }
}
