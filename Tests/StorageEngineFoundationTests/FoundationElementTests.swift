// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import StorageEngineFoundation
import TestSupport
import Testing

/// UUIDs and moments of Foundation as keys and values of indexes.
struct FoundationElementTests {
  private static let uuids = {
    var random = SplitMix64(seed: TestEnvironment.seed)
    return (0..<200).map { _ in
      UUID(UUIDElement(rawValue: UInt128(random.next()) << 64 | UInt128(random.next())))
    }
  }()
  private static let dates: [Date] = [
    .distantPast, Date(timeIntervalSince1970: -1.5), Date(timeIntervalSince1970: 0),
    Date(timeIntervalSinceReferenceDate: 0), Date(timeIntervalSince1970: 1_790_000_000.123456),
    .distantFuture,
  ]

  @Test
  func `a UUID is found by itself, and all come in the order of their bytes`() throws {
    let database = try Database.inMemory()
    let found = try database.write { transaction in
      let index = try transaction.createIndex(
        named: "uuids", keys: UUID.self, values: String.self, mode: .replace)
      for uuid in Self.uuids.dropLast() {
        try transaction.put(uuid.uuidString, forKey: uuid, in: index)
      }
      for uuid in Self.uuids.dropLast() {
        #expect(try transaction.first(forKey: uuid, in: index) == uuid.uuidString)
      }
      #expect(try transaction.first(forKey: Self.uuids[199], in: index) == nil)
      return try keys(of: index, in: transaction)
    }
    #expect(found == Self.uuids.dropLast().sorted { $0.uuidString < $1.uuidString })
    try database.close()
  }

  @Test
  func `a moment comes back to the bit, and the earlier comes first`() throws {
    let database = try Database.inMemory()
    var random = SplitMix64(seed: TestEnvironment.seed)
    try database.write { transaction in
      let index = try transaction.createIndex(
        named: "dates", keys: Date.self, values: Date.self, mode: .cluster)
      for date in Self.dates.shuffled(using: &random) {
        try transaction.put(date, forKey: date, in: index)
      }
      #expect(try keys(of: index, in: transaction) == Self.dates)
      for date in Self.dates { #expect(try transaction.values(forKey: date, in: index) == [date]) }
      let cursor = try transaction.range(in: index, IndexBounds(Self.dates[1]...Self.dates[3]))
      var between: [Date] = []
      while let entry = try cursor.next() { between.append(entry.key) }
      #expect(between == Array(Self.dates[1...3]))
    }
    try database.close()
  }

  @Test
  func `they are the elements of the engine, alone and in tuples`() throws {
    let uuid = try #require(UUID(uuidString: "00010203-0405-0607-0809-0A0B0C0D0E0F"))
    let element = UUIDElement(rawValue: 0x0001_0203_0405_0607_0809_0A0B_0C0D_0E0F)
    #expect(UUIDElement(uuid) == element)
    #expect(UUID(element) == uuid)
    #expect(encoded(uuid) == Array(0..<16))
    let date = Date(timeIntervalSinceReferenceDate: -0.25)
    #expect(encoded(date) == encoded(DateElement(secondsSinceReferenceDate: -0.25)))
    #expect(Date(DateElement(date)) == date)
    #expect(encoded(IndexTuple(date, uuid)) == encoded(date) + encoded(uuid))
    #expect(IndexTuple<Date, UUID>.indexType == .tuple([.date, .uuid]))
  }

  @Test
  func `an index of the engine's own elements is the same index`() throws {
    let database = try Database.inMemory()
    let uuid = Self.uuids[0]
    try database.write { transaction in
      let index = try transaction.createIndex(
        named: "uuids", keys: UUIDElement.self, values: DateElement.self, mode: .exclusive)
      try transaction.put(DateElement(Self.dates[4]), forKey: UUIDElement(uuid), in: index)
    }
    try database.read { view in
      let index = try #require(try view.index(named: "uuids", keys: UUID.self, values: Date.self))
      #expect(try view.first(forKey: uuid, in: index) == Self.dates[4])
    }
    try database.close()
  }

  private func keys<Key: IndexElement, Value>(
    of index: Index<Key, Value>, in view: some TreeReader
  ) throws -> [Key] {
    let cursor = try view.range(in: index, .all)
    var keys: [Key] = []
    while let entry = try cursor.next() { keys.append(entry.key) }
    return keys
  }

  private func encoded(_ element: some IndexElement) -> [UInt8] {
    var bytes: [UInt8] = []
    element.encode(into: &bytes)
    return bytes
  }
}
