// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Types of keys and values, and what happens to those who take the wrong one.
struct TypeTests {
  @Test
  func `a map of numbers is not opened as one of texts (K50)`() throws {
    try withStore { store in
      try DurableMap<UInt64, UInt64>(named: "map", in: store.database).set(1, 2)
      #expect(
        throws: DurableMapError.typeMismatch(
          map: "map", role: .key, stored: "uint64", asked: "string")
      ) { try DurableMap<String, UInt64>(named: "map", in: store.database) }
      #expect(
        throws: DurableMapError.typeMismatch(
          map: "map", role: .value, stored: "uint64", asked: "string")
      ) { try DurableMap<UInt64, String>(named: "map", in: store.database) }
      let map = try DurableMap<UInt64, UInt64>(named: "map", in: store.database)
      #expect(try map.get(1) == 2)
    }
  }

  @Test
  func `a map of texts is not opened as one of numbers, also after reopening (K51)`() throws {
    try withStore { store in
      try DurableMap<String, String>(named: "map", in: store.database).set("k", "v")
      try store.reopen()
      #expect(
        throws: DurableMapError.typeMismatch(
          map: "map", role: .key, stored: "string", asked: "int64")
      ) { try DurableMap<Int, String>(named: "map", in: store.database) }
    }
  }

  /// A type whose name Unicode calls equivalent to that of another.
  struct Composed: DurableCodable {
    static let durableType = "\u{E9}"
    var durableByteCount: Int { 0 }
    init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {}
    func encode(into writer: inout DurableWriter) {}
  }

  /// The other one.
  struct Decomposed: DurableCodable {
    static let durableType = "e\u{301}"
    var durableByteCount: Int { 0 }
    init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {}
    func encode(into writer: inout DurableWriter) {}
  }

  @Test
  func `types are told apart by the bytes of their names (K50)`() throws {
    try withStore { store in
      try DurableMap<Int, Composed>(named: "map", in: store.database).close()
      #expect(throws: DurableMapError.self) {
        try DurableMap<Int, Decomposed>(named: "map", in: store.database)
      }
      try DurableMap<Composed, Int>(named: "keys", in: store.database).close()
      #expect(throws: DurableMapError.self) {
        try DurableMap<Decomposed, Int>(named: "keys", in: store.database)
      }
    }
  }

  /// Bytes that claim to be texts, as a faulty encoding leaves them.
  struct Liar: DurableCodable {
    let bytes: [UInt8]
    static let durableType = "string"
    var durableByteCount: Int { bytes.count }
    init(_ bytes: [UInt8]) { self.bytes = bytes }
    init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) {
      self.bytes = Array(copying: bytes)
    }
    func encode(into writer: inout DurableWriter) {
      let span = bytes.span
      writer.write(span)
    }
  }

  @Test(arguments: [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0x41, 0x80]] as [[UInt8]])
  func `bytes that are no UTF-8 are an error when read as text (K52)`(_ bytes: [UInt8]) throws {
    try withStore { store in
      let lying = try DurableMap<Liar, Liar>(named: "map", in: store.database)
      try lying.set(Liar(bytes), Liar(bytes))
      try lying.set(Liar([0x6B]), Liar(bytes))
      lying.close()
      let map = try DurableMap<String, String>(named: "map", in: store.database)
      let value = DurableMapError.undecodable(map: "map", role: .value, problem: "not UTF-8")
      #expect(throws: value) { try map.get("k") }
      #expect(throws: value) { try map.remove("k") }
      #expect(try map.get("k") == nil)
      let key = DurableMapError.undecodable(map: "map", role: .key, problem: "not UTF-8")
      #expect(throws: key) { try map.keys() }
    }
  }

  @Test
  func `options out of bounds are refused when a map is opened (K53)`() throws {
    try withStore { store in
      for wrong in [Duration.zero, .seconds(-1)] {
        var options = DurableMapOptions()
        options.timeToLive = wrong
        #expect(throws: DurableMapError.invalidOption("a time to live is above zero")) {
          try DurableMap<Int, Int>(named: "map", in: store.database, options: options)
        }
      }
      var options = DurableMapOptions()
      options.durability = .interval(.seconds(-1))
      #expect(throws: DurableMapError.invalidOption("an interval is not below zero")) {
        try DurableMap<Int, Int>(named: "map", in: store.database, options: options)
      }
      let long = String(repeating: "x", count: 245)
      for name in ["", long] {
        #expect(throws: DurableMapError.invalidName(name, limit: 244)) {
          try DurableMap<Int, Int>(named: name, in: store.database)
        }
      }
      try DurableMap<Int, Int>(named: String(long.dropLast()), in: store.database).set(1, 1)
    }
  }

  /// A type that says another number of bytes than it writes.
  struct Miscounting: DurableCodable {
    let said: Int
    static let durableType = "miscounting"
    var durableByteCount: Int { said }
    init(_ said: Int) { self.said = said }
    init(decoding bytes: Span<UInt8>) throws(DurableDecodingError) { said = bytes.count }
    func encode(into writer: inout DurableWriter) { writer.write(bigEndian: 7 as UInt32) }
  }

  @Test(arguments: [0, 3, 5, 1000])
  func `an encoding that miscounts is refused and changes nothing (K99)`(_ said: Int) throws {
    try withMap(Int.self, Miscounting.self) { fixture in
      let error = DurableMapError.miscounted(type: "miscounting", said: said, written: 4)
      #expect(throws: error) { try fixture.map.set(1, Miscounting(said)) }
      #expect(throws: error) { try fixture.map.exchange(1, Miscounting(said)) }
      try fixture.map.set(2, Miscounting(4))
      #expect(fixture.map.count == 1)
    }
    try withMap(Miscounting.self, Int.self) { fixture in
      let error = DurableMapError.miscounted(type: "miscounting", said: said, written: 4)
      #expect(throws: error) { try fixture.map.set(Miscounting(said), 1) }
      #expect(throws: error) { try fixture.map.unset(Miscounting(said)) }
      #expect(fixture.map.isEmpty)
    }
    try withMap(Int.self, Miscounting.self) { fixture in
      #expect(throws: DurableMapError.valueTooLong(length: -1, limit: 1 << 28)) {
        try fixture.map.set(1, Miscounting(-1))
      }
    }
  }
}

/// Every type makes the way into the store and back.
struct RoundTripTests {
  private func check<T: DurableCodable & Hashable>(_ values: [T]) throws {
    try withMap(T.self, T.self) { fixture in
      for (index, value) in values.enumerated() {
        try fixture.map.set(value, values[values.count - 1 - index])
      }
      for _ in 0..<2 {
        for (index, value) in values.enumerated() {
          #expect(try fixture.map.get(value) == values[values.count - 1 - index])
        }
        #expect(try Set(fixture.map.keys()) == Set(values))
        try fixture.reopen()
      }
    }
  }

  private func check<T: DurableInteger>(_ type: T.Type) throws {
    try check([T.min, T.max, 0, 1, T.max / 3, T.min / 3 &+ 1].uniqued)
  }

  @Test
  func `every integer is a key and a value (K99)`() throws {
    try check(UInt8.self)
    try check(UInt16.self)
    try check(UInt32.self)
    try check(UInt64.self)
    try check(UInt128.self)
    try check(UInt.self)
    try check(Int8.self)
    try check(Int16.self)
    try check(Int32.self)
    try check(Int64.self)
    try check(Int128.self)
    try check(Int.self)
  }

  @Test
  func `texts, bytes, truth values, UUIDs and floating-point numbers are keys and values (K99)`()
    throws
  {
    try check([true, false])
    try check([0.0, 1.5, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude] as [Double])
    try check([0.0, 1.5, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude] as [Float])
    try check([[], [0], [0, 0], [255, 0, 1]] as [[UInt8]])
    try check(["", "a", "ä", "🙂", "\u{0}", "a\u{0}"])
    try check([UUIDElement(rawValue: 0), UUIDElement(rawValue: .max), UUIDElement(rawValue: 77)])
    try check([nil, 0, -1] as [Int?])
    try check([nil, "", "x"] as [String?])
  }

  @Test
  func `bits decide whether floating-point keys and spellings of a text are one (K99)`() throws {
    try withMap(Double.self, Double.self) { fixture in
      try fixture.map.set(0.0, 1)
      try fixture.map.set(-0.0, 2)
      try fixture.map.set(.nan, 3)
      #expect(fixture.map.count == 3)
      #expect(try fixture.map.get(.nan) == 3)
    }
    try withMap(String.self, Int.self) { fixture in
      try fixture.map.set("\u{E9}", 1)
      try fixture.map.set("e\u{301}", 2)
      #expect(fixture.map.count == 2)
    }
  }

  @Test
  func `several values together are a key and a value (K99)`() throws {
    typealias Pair = DurableTuple<String, Int32>
    typealias Nested = DurableTuple<Pair, [UInt8], Bool>
    #expect(Nested.durableType == "tuple(tuple(string,int32),bytes,bool)")
    #expect(DurableTuple<Int, Bool>.durableWidth == 9 && Pair.durableWidth == nil)
    try withMap(Nested.self, Pair.self) { fixture in
      for length in [0, 1, 127, 128, 20_000] {
        let text = String(repeating: "x", count: length)
        let key = Nested(Pair(text, -5), [1, 2], true)
        try fixture.map.set(key, Pair(text + "!", Int32(length)))
        try fixture.reopen()
        let value = try fixture.map.get(key)
        #expect(value?.elements.0 == text + "!" && value?.elements.1 == Int32(length))
        #expect(try fixture.map.get(Nested(Pair(text, -5), [1, 2], false)) == nil)
      }
    }
  }

  @Test
  func `bytes that are no value of a type are refused, cut anywhere (K99)`() throws {
    typealias Pair = DurableTuple<String, Int32>
    let bytes = Pair("some text", 5).withDurableBytes { Array(copying: $0) }
    for length in 0..<bytes.count {
      let cut = Array(bytes[..<length])
      #expect(throws: DurableDecodingError.self) { try Pair(decoding: cut.span) }
    }
    let long = bytes + [0]
    #expect(throws: DurableDecodingError.self) { try Pair(decoding: long.span) }
    // The length of the text in two bytes instead of one.
    let longer = [bytes[0] | 0x80, 0] + bytes.dropFirst()
    #expect(throws: DurableDecodingError.self) { try Pair(decoding: longer.span) }
    let endless = [UInt8](repeating: 0xFF, count: 20)
    #expect(throws: DurableDecodingError.self) { try Pair(decoding: endless.span) }
    #expect(throws: DurableDecodingError.self) { try Bool(decoding: [2].span) }
    #expect(throws: DurableDecodingError.self) { try Int?(decoding: [2].span) }
    #expect(throws: DurableDecodingError.self) { try UInt128(decoding: bytes.span) }
  }
}

extension Array where Element: Hashable {
  fileprivate var uniqued: [Element] { Array(Set(self)) }
}
