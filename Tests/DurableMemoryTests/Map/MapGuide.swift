// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import Foundation
import StorageEngine
import TestSupport
import Testing

/// The examples of docs/DURABLE-MAP.md, compiled and run.
struct MapGuide {
  @Test
  func `every example of the guide is one of these, line by line`() throws {
    let guide = try SourceTree.text("docs/DURABLE-MAP.md")
    let source = Self.lines(try SourceTree.text("Tests/DurableMemoryTests/Map/MapGuide.swift"))
    let examples = guide.matches(of: /(?s)```swift\n(.*?)```/).map { Self.lines(String($0.1)) }
    #expect(examples.count == 7)
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

  private func withDatabase(_ body: (Database) throws -> Void) throws {
    let database = try Database.inMemory(limit: 64 << 20)
    try body(database)
    #expect(try database.check().isIntact)
    try database.close()
  }

  @Test
  func `a map is opened, filled, read and closed`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/harbour.store"
      let database = try Database.openOrCreate(at: path)
      let berths = try DurableMap<String, Int>(named: "berths", in: database)

      try berths.set("Rickmer Rickmers", 1)
      try berths.set("Cap San Diego", 2, durability: .manual)  // with the next flush
      let berth = try berths.get("Cap San Diego")  // 2
      let wasThere = try berths.unset("Rickmer Rickmers")  // true
      try berths.flush()

      berths.close()
      try database.close()
      #expect(berth == 2 && wasThere)
    }
  }

  @Test
  func `values are read without copying`() throws {
    try withDatabase { database in
      let logs = try DurableMap<UInt64, [UInt8]>(named: "logs", in: database)
      try logs.set(7, Array("all well".utf8))
      let length = try logs.withValue(for: 7) { bytes in bytes.count } ?? 0
      #expect(length == 8)
    }
  }

  @Test
  func `changes depend on what is there`() throws {
    try withDatabase { database in
      let calls = try DurableMap<String, Int>(named: "calls", in: database)
      try calls.update("DEHAM") { $0 = ($0 ?? 0) + 1 }
      let swapped = try calls.compareAndSwap("DEHAM", expected: 1, new: 2)
      let old = try calls.exchange("DEHAM", 5)
      let first = try calls.getOrInsert("NOOSL") { 100 }
      #expect(swapped && old == 2 && first == 100)
    }
  }

  @Test
  func `several maps and records change together`() throws {
    try withDatabase { database in
      let ships = try DurableMap<String, Int>(named: "ships", in: database)
      let berths = try DurableMap<Int, String>(named: "berths", in: database)

      var batch = DurableBatch()
      try batch.set("Cap San Diego", 2, in: ships)
      try batch.set(2, "Cap San Diego", in: berths)
      try batch.commit()

      try database.write { transaction in
        let visits = try transaction.createTree(named: "visits")
        try transaction.put(Array("2026-11-28".utf8), forKey: [1], in: visits)
        try berths.unset(2, in: transaction)
      }
      #expect(try ships.get("Cap San Diego") == 2 && berths.isEmpty)
    }
  }

  @Test
  func `all entries are gone through while others change the map`() throws {
    try withDatabase { database in
      let berths = try DurableMap<String, Int>(named: "berths", in: database)
      try berths.set("Cap San Diego", 2)
      let view = try berths.snapshot()
      try berths.clear()
      var ships: [String] = []
      try view.forEach { ship, berth in
        ships.append("\(ship) at \(berth)")
        return true  // false ends it
      }
      view.close()
      #expect(ships == ["Cap San Diego at 2"])
    }
  }

  @Test
  func `entries expire`() throws {
    try withDatabase { database in
      var options = DurableMapOptions()
      options.timeToLive = .seconds(3600)
      options.durability = .interval(.milliseconds(50))
      let sessions = try DurableMap<UInt128, String>(
        named: "sessions", in: database, options: options)
      try sessions.set(1, "pilot")
      try sessions.set(2, "guest", timeToLive: .seconds(60))
      let swept = try sessions.sweep()
      #expect(swept == 0)
    }
  }

  @Test
  func `a type of one's own is a value`() throws {
    try withDatabase { database in
      let positions = try DurableMap<String, Position>(named: "positions", in: database)
      try positions.set("Cap San Diego", Position(latitude: 53.54, longitude: 9.97))
      #expect(try positions.get("Cap San Diego")?.latitude == 53.54)
    }
  }

  struct Position: DurableCodable {
    var latitude: Double
    var longitude: Double

    static let durableType = "Position"
    var durableByteCount: Int { 16 }

    init(latitude: Double, longitude: Double) {
      (self.latitude, self.longitude) = (latitude, longitude)
    }

    func encode(into writer: inout DurableWriter) {
      latitude.encode(into: &writer)
      longitude.encode(into: &writer)
    }

    init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
      guard bytes.count == 16 else { throw DurableDecodingError("a position has 16 bytes") }
      latitude = try Double(decoding: bytes.extracting(0..<8))
      longitude = try Double(decoding: bytes.extracting(8..<16))
    }
  }
}
