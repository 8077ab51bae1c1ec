// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import DurableMemoryFoundation
import Foundation
import StorageEngine
import TestSupport
import Testing

/// Types of Foundation as keys and values.
struct FoundationTypeTests {
  struct Ship: Codable, Sendable, Equatable {
    var name: String
    var berths: [Int]
    var captain: String?
  }

  @Test
  func `any codable value makes the way into the store and back (K99)`() throws {
    try withMap(Int.self, DurableJSON<Ship>.self) { fixture in
      let ship = Ship(name: "Cap San Diego", berths: [1, 2], captain: nil)
      try fixture.map.set(1, DurableJSON(ship))
      try fixture.reopen()
      #expect(try fixture.map.get(1)?.value == ship)
      #expect(DurableJSON<Ship>.durableType == "json(Ship)")
    }
  }

  @Test
  func `JSON of another type is an error (K52)`() throws {
    #expect(throws: DurableDecodingError.self) {
      let bytes = Array("{\"name\": 1}".utf8)
      _ = try DurableJSON<Ship>(decoding: bytes.span)
    }
    #expect(throws: DurableDecodingError.self) {
      let bytes: [UInt8] = [0xFF]
      _ = try DurableJSON<Ship>(decoding: bytes.span)
    }
    #expect(throws: (any Error).self) { try DurableJSON([Double.nan]) }
  }

  @Test
  func `every type is shown by its name alone, also within a tuple`() throws {
    let uuid = try #require(UUID(uuidString: "01234567-89ab-cdef-0123-456789abcdef"))
    let tuple = DurableTuple(
      Date(timeIntervalSinceReferenceDate: 1.5), "a", uuid, Data([1]), try DurableJSON([1, 2]),
      Optional(Date(timeIntervalSinceReferenceDate: -1)))
    let type = StoredType(Swift.type(of: tuple).durableType)
    #expect(
      StoredValue(tuple.withDurableBytes { Array(copying: $0) }, of: type)
        == .list([
          .number(1.5), .text("a"), .text("01234567-89ab-cdef-0123-456789abcdef"), .bytes([1]),
          .text("[1,2]"), .number(-1),
        ]))
    let date = Date(timeIntervalSinceReferenceDate: 1.5)
    #expect(
      StoredValue.bytes(parsing: "1.5", as: StoredType("date"))
        == date.withDurableBytes { Array(copying: $0) })
  }

  @Test
  func `UUIDs, dates and data are keys and values (K99)`() throws {
    let uuid = UUID()
    let date = Date(timeIntervalSinceReferenceDate: 12_345.678)
    try withMap(UUID.self, Date.self) { fixture in
      try fixture.map.set(uuid, date)
      try fixture.reopen()
      #expect(try fixture.map.get(uuid) == date)
      #expect(try fixture.map.get(UUID()) == nil)
    }
    try withMap(Data.self, Data.self) { fixture in
      try fixture.map.set(Data([1, 2]), Data())
      try fixture.reopen()
      #expect(try fixture.map.get(Data([1, 2])) == Data())
    }
    let bytes = uuid.withDurableBytes { Array(copying: $0) }
    let number = try UUIDElement(decoding: bytes.span).rawValue
    let text = String(number, radix: 16, uppercase: true)
    #expect(uuid.uuidString.filter { $0 != "-" }.hasSuffix(text))
  }
}
