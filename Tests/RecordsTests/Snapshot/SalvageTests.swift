// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Foundation
@testable import Records
@testable import StorageEngine
import TestSupport
import Testing

@Suite("Salvage")
struct SalvageTests {
  private static let pageBytes = 8192
  /// With a cache that is quickly made.
  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.cacheBytes = 4 << 20
    return configuration
  }

  /// A closed store of several pages of records and of journal.
  private func makeStore(_ path: String, _ environment: Environment) throws -> String {
    let store = try RecordStore.create(
      at: path, environment: environment, configuration: Self.configuration)
    for number in 0..<12 {
      try store.write { transaction in
        for record in 0..<25 {
          let text = String(repeating: "\(number * record)", count: 30)
          try transaction.put(
            "c", .integer(Int64(number * 25 + record)), [.init("text", .text(text))])
        }
      }
    }
    let text = try exported(store)
    try store.close()
    return text
  }

  private func exported(_ store: RecordStore) throws -> String {
    var text: [UInt8] = []
    try store.read { view in _ = try view.export(nil, as: .jsonLines, to: { text += $0 }) }
    return String(decoding: text, as: UTF8.self)
  }

  /// What a replica shows that has applied the whole journal of a store.
  private func replicaOfJournal(_ store: RecordStore) throws -> String {
    var all: [EncodedTransaction] = []
    let cursor = try store.journal()
    while let transaction = try cursor.next() { all.append(transaction) }
    return try withReplica(seed: 9) { replica in
      try replica.store.adopt(store.storeID)
      _ = try replica.store.apply(all)
      return try replica.exported()
    }
  }

  @Test func `whatever page is damaged, the copy is whole and its replicas are like it`() throws {
    try withTemporaryDirectory { directory in
      try withReplica { replica in
        let path = directory + "/a.store"
        let text = try makeStore(path, replica.environment)
        let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        // The clock of the machine that rescues the store is an hour behind.
        var rescuer = replica.environment
        rescuer.now = { [clock = replica.clock] in clock.now - 3_600_000 }
        var seen: [RecordSalvage.Records: Int] = [:]
        for page in 0..<(whole.count - 8192) / Self.pageBytes {
          let place = 8192 + page * Self.pageBytes
          let middle = place + Self.pageBytes / 2
          guard whole[place..<place + Self.pageBytes].contains(where: { $0 != 0 }) else { continue }
          var damaged = whole
          damaged[middle] ^= 0x55
          let copyPath = directory + "/copy-\(page).store"
          try Data(damaged).write(to: URL(fileURLWithPath: path))
          let salvage = try RecordStore.salvage(
            from: path, into: copyPath, environment: rescuer, configuration: Self.configuration)
          seen[salvage.records, default: 0] += 1
          guard salvage.records != .none else {
            // The only catalog was hit, so that no tree has a name any more.
            #expect(!salvage.isComplete)
            #expect(salvage.report.trees.allSatisfy { $0.name.hasPrefix("tree ") })
            try expectAllEntries(salvage.report, copyPath)
            continue
          }
          let copy = try RecordStore.open(
            at: copyPath, environment: replica.environment, configuration: Self.configuration)
          #expect(try copy.check().isIntact, "page \(page): \(salvage.records)")
          #expect(try replicaOfJournal(copy) == exported(copy), "page \(page)")
          if salvage.isComplete { #expect(try exported(copy) == text, "page \(page)") }
          try copy.close()
        }
        for way in [RecordSalvage.Records.copied, .replayed, .collected] {
          #expect(seen[way, default: 0] > 0, "\(way)")
        }
      }
    }
  }

  /// Expects a copy without names to hold what it is said to, and at least the records.
  private func expectAllEntries(_ report: SalvageReport, _ path: String) throws {
    let copy = try Database.open(at: path, configuration: Self.configuration)
    #expect(try copy.check().isIntact)
    let view = try copy.snapshot()
    let entries = try view.trees().map { try view.count(of: $0.tree) }.reduce(0, +)
    view.close()
    #expect(entries == report.trees.reduce(0) { $0 + $1.entries })
    #expect(entries > 300)
    try copy.close()
  }

  @Test(arguments: [JournalTreeName.transactions.rawValue, "records/c"])
  func `making the records anew can be stopped`(_ damaged: String) throws {
    try withTemporaryDirectory { directory in
      try withReplica { replica in
        let path = directory + "/a.store"
        _ = try makeStore(path, replica.environment)
        try damageLeaf(ofTree: damaged, path)
        let copy = try TestStore()
        let report = try Database.salvage(from: path, into: copy.database)
        #expect(!report.isComplete)
        var salvaged = SalvagedRecords(of: path, copy.database, report, replica.environment)
        #expect(throws: CancellationError.self) {
          _ = try salvaged.restore { _ in throw CancellationError() }
        }
        try copy.checkTwiceAndClose()
      }
    }
  }

  @Test func `where records are collected, one that became too large is lost, and told`() throws {
    try withTemporaryDirectory { directory in
      try withReplica { replica in
        let path = directory + "/a.store"
        let store = try RecordStore.create(
          at: path, environment: replica.environment, configuration: Self.configuration)
        // More in all than goes into one transaction of the copy.
        for number in 0..<Int64(300) {
          try store.write { transaction in
            let bytes = [UInt8](repeating: UInt8(number % 251), count: 40_000)
            try transaction.put("c", .integer(number), [.init("bytes", .bytes(bytes))])
          }
        }
        for field in ["first", "second"] {
          try store.write { transaction in
            let bytes = [UInt8](repeating: 7, count: 33 << 20)
            let change = FieldChange(field: field, value: .bytes(bytes))
            try transaction.patch("c", .text("large"), [change])
          }
        }
        try store.close()
        try damageLeaf(ofTree: JournalTreeName.transactions.rawValue, path)
        let salvage = try RecordStore.salvage(
          from: path, into: directory + "/copy", environment: replica.environment,
          configuration: Self.configuration)
        #expect(salvage.records == .collected && !salvage.isComplete)
        let lost = salvage.report.losses.filter { $0.damage.structure.hasPrefix("record ") }
        #expect(lost.map(\.tree) == ["records/c"])
        let copy = try RecordStore.open(
          at: directory + "/copy", environment: replica.environment,
          configuration: Self.configuration)
        #expect(try copy.check().isIntact)
        let lines = try exported(copy).split(separator: "\n")
        #expect(lines.count == 300)
        #expect(try copy.receivedVector().entries.map(\.sequence) == [2])
        try copy.close()
      }
    }
  }

  /// With several sizes, so that the room runs out at several places.
  @Test(arguments: Array(stride(from: 70_000, to: 310_000, by: 20_000)))
  func `a new file without room says nothing of the journal`(_ size: Int) throws {
    try withTemporaryDirectory { directory in
      try withReplica { replica in
        let path = directory + "/a.store"
        let store = try RecordStore.create(
          at: path, environment: replica.environment, configuration: Self.configuration)
        // Its journal is much larger than what is left of it.
        for number in 0..<UInt8(40) {
          try store.write { transaction in
            let bytes = [UInt8](repeating: number, count: size)
            try transaction.put("c", .integer(1), [.init("bytes", .bytes(bytes))])
          }
        }
        try store.close()
        try damageLeaf(ofTree: "records/c", path)
        let disk = SimulatedDisk()
        let copy = try TestStore(on: disk)
        let report = try Database.salvage(from: path, into: copy.database)
        #expect(!report.isComplete)
        disk.setCapacity(disk.image.length + 1 << 20)
        var salvaged = SalvagedRecords(of: path, copy.database, report, replica.environment)
        let error = #expect(throws: (any Error).self) { _ = try salvaged.restore() }
        let isFull =
          error as? EngineError == .outOfSpace || error as? JournalError == .engine(.outOfSpace)
        #expect(isFull, "\(String(describing: error))")
      }
    }
  }

  /// Damages the first leaf of a tree in a closed store.
  private func damageLeaf(ofTree name: String, _ path: String) throws {
    let database = try Database.open(at: path, configuration: Self.configuration)
    let tree = try #require(try database.snapshot().tree(named: name))
    try database.close()
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let number = (0..<4).map { UInt8(truncatingIfNeeded: tree.rawValue >> (8 * $0)) }
    let place = try #require(
      stride(from: 8192 + Self.pageBytes, to: bytes.count - Self.pageBytes, by: Self.pageBytes)
        .first { bytes[$0 + 4] == 1 && Array(bytes[$0 + 24..<$0 + 28]) == number })
    bytes[place + Self.pageBytes / 2] ^= 0x55
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }
}
