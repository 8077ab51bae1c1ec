// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// The bytes of elements: they order like the values, and lead back to them.
struct IndexElementTests {
  /// Checks that elements, given in order, have bytes in order, none the beginning of another's,
  /// that lead back to them alone and behind one another.
  private func check<Element: IndexElement>(_ elements: [Element]) throws {
    let encoded = elements.map(Elements.encoded)
    for (first, second) in zip(encoded, encoded.dropFirst()) {
      #expect(first.lexicographicallyPrecedes(second), "\(Element.self): \(first) \(second)")
      #expect(!second.starts(with: first), "\(Element.self): \(first) \(second)")
    }
    var decoder = IndexDecoder(Array(encoded.joined()))
    for bytes in encoded {
      let element = try Element(decoding: &decoder)
      #expect(Elements.encoded(element) == bytes)
    }
    #expect(decoder.isAtEnd)
    for bytes in encoded { refuse(Element.self, everyBeginningOf: bytes) }
  }

  private func refuse<Element: IndexElement>(
    _ type: Element.Type, everyBeginningOf bytes: [UInt8]
  ) {
    for count in 0..<bytes.count {
      var decoder = IndexDecoder(Array(bytes.prefix(count)))
      #expect(throws: IndexDecoder.Malformed.self) { _ = try Element(decoding: &decoder) }
    }
  }

  private func checkIntegers<Number: FixedWidthInteger & IndexElement>(
    _ type: Number.Type
  ) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    var numbers: Set<Number> = [.min, .min + 1, 0, 1, .max - 1, .max]
    for shift in 0..<Number.bitWidth {
      numbers.insert(1 << Number(shift))
      numbers.insert((1 << Number(shift)) &- 1)
      numbers.insert(0 &- (1 << Number(shift)))
      numbers.insert(Number(truncatingIfNeeded: random.next()))
    }
    try check(numbers.sorted())
  }

  @Test
  func `integers of every width order by value`() throws {
    try checkIntegers(UInt8.self)
    try checkIntegers(UInt16.self)
    try checkIntegers(UInt32.self)
    try checkIntegers(UInt64.self)
    try checkIntegers(UInt128.self)
    try checkIntegers(Int8.self)
    try checkIntegers(Int16.self)
    try checkIntegers(Int32.self)
    try checkIntegers(Int64.self)
    try checkIntegers(Int.self)
    try checkIntegers(Int128.self)
  }

  private func checkFloats<Number: BinaryFloatingPoint & IndexElement>(
    _ type: Number.Type
  ) throws {
    let positive: [Number] = [
      0, .leastNonzeroMagnitude, .leastNormalMagnitude, 1 - Number.ulpOfOne / 2, 1, 1 + .ulpOfOne,
      1.5, .pi, .greatestFiniteMagnitude, .infinity, .signalingNaN, .nan,
    ]
    let all = positive.reversed().map { -$0 } + positive
    for (first, second) in zip(all, all.dropFirst()) {
      #expect(first.isTotallyOrdered(belowOrEqualTo: second))
    }
    try check(all)
  }

  @Test
  func `floating-point numbers order as the total order of IEEE 754`() throws {
    try checkFloats(Float.self)
    try checkFloats(Double.self)
    try check([-1.0, -0.0, 0, 1e300].map(DateElement.init(secondsSinceReferenceDate:)))
  }

  @Test
  func `texts and bytes order by their bytes, whatever they hold`() throws {
    let texts = [
      "", "\0", "\0\0", "\0\u{1}", "\0a", "\u{1}", "a", "a\0", "a\0b", "aa", "b", "e\u{301}", "z",
      String(repeating: "z", count: 5000), "é", "ﬀ", "🦊",
    ]
    #expect(
      texts.map { Array($0.utf8) }
        == texts.map { Array($0.utf8) }.sorted {
          $0.lexicographicallyPrecedes($1)
        })
    try check(texts)
    try check(texts.map { Array($0.utf8) })
    let ends: [[UInt8]] = [
      [], [0], [0, 0], [0, 1], [0, 254], [0, 255], [1], [254], [255], [255, 0],
    ]
    try check(ends)
    try check(ends.flatMap { first in ends.map { IndexTuple(first, $0) } })
  }

  @Test
  func `the other types order by their bytes`() throws {
    try check([false, true])
    try check([UInt128(0), 1, 1 << 64, .max].map(UUIDElement.init(rawValue:)))
    let segments = [UInt32(0), 1, 255, 256, .max]
    let numbers = [UInt64(0), 1, 255, 256, .max]
    try check(
      segments.flatMap { segment in
        numbers.map { RecordID(segment: SegmentID(rawValue: segment), number: $0) }
      })
  }

  @Test
  func `tuples order by the first element that differs, nested ones too`() throws {
    let texts = ["", "a", "a\0", "ab", "b"]
    let numbers = [Int8(-128), -1, 0, 1, 127]
    try check(texts.flatMap { text in numbers.map { IndexTuple(text, $0) } })
    try check(numbers.flatMap { number in texts.map { IndexTuple(number, $0) } })
    try check(
      numbers.flatMap { number in
        texts.flatMap { text in
          [false, true].map { IndexTuple(IndexTuple(number, text), IndexTuple($0)) }
        }
      })
    let nested = IndexTuple<IndexTuple<UInt8, IndexTuple<String>>, Bool>.indexType
    #expect(nested == .tuple([.tuple([.uint8, .tuple([.string])]), .bool]))
    #expect("\(nested)" == "((UInt8, (String)), Bool)")
  }

  @Test
  func `malformed bytes give errors`() {
    func refuse<Element: IndexElement>(_ type: Element.Type, _ bytes: [UInt8]) {
      var decoder = IndexDecoder(bytes)
      #expect(throws: IndexDecoder.Malformed.self) { _ = try Element(decoding: &decoder) }
    }
    refuse(Bool.self, [2])
    refuse(Bool.self, [255])
    refuse(String.self, [0xC3, 0, 1])
    refuse(String.self, [0xED, 0xA0, 0x80, 0, 1])
    for byte in UInt8.min ... .max where byte != 1 && byte != 255 {
      refuse([UInt8].self, [7, 0, byte, 0, 1])
    }
    refuse(IndexTuple<UInt8, Bool>.self, [7, 7])
    refuse(IndexTuple<String, UInt8>.self, [7, 0, 1])
  }

  @Test
  func `a type is read back from its bytes, and nothing else is`() {
    var types = IndexType.codes.map(\.type)
    types.append(.tuple([]))
    types.append(.tuple(types))
    types.append(.tuple([.tuple([.tuple([.tuple([.bool])])])]))
    for type in types {
      let encoded = type.encoded
      var offset = 0
      #expect(IndexType(encoded, at: &offset) == type)
      #expect(offset == encoded.count)
      for count in 0..<encoded.count {
        var offset = 0
        #expect(IndexType(Array(encoded.prefix(count)), at: &offset) == nil)
      }
    }
    let known = Set(IndexType.codes.map(\.code))
    for code in UInt8.min ... .max where !known.contains(code) {
      var offset = 0
      #expect(IndexType([code, 33], at: &offset) == nil)
    }
  }

  @Test
  func `an index of types that cannot be stored is refused when it is created`() throws {
    typealias One = IndexTuple<IndexTuple<IndexTuple<IndexTuple<Bool>>>>
    try withStore { store in
      let transaction = try store.database.begin()
      _ = try transaction.createIndex(
        named: "deepest", keys: One.self, values: Bool.self, mode: .replace)
      #expect(
        throws: IndexError.unsupportedTypes(
          keys: IndexTuple<One>.indexType, values: .bool)
      ) {
        _ = try transaction.createIndex(
          named: "too deep", keys: IndexTuple<One>.self, values: Bool.self, mode: .replace)
      }
      try transaction.commit()
      #expect(try store.database.read { try $0.indexes().map(\.name) } == ["deepest"])
    }
  }

  @Test
  func `an entry that none could have written is reported, not misread`() throws {
    try withStore { store in
      let index = try store.database.makeIndex(.replace)
      try store.database.write { transaction in
        try transaction.put([1], forKey: [1, 65, 0, 1], in: index.tree)
        try transaction.put([], forKey: [1, 66, 0, 7], in: index.tree)
      }
      try store.database.read { (view) throws in
        #expect(throws: IndexError.malformed(index: "index", key: [1, 65, 0, 1])) {
          _ = try view.first(forKey: "A", in: index)
        }
        #expect(throws: IndexError.self) { _ = try view.entries(of: index) }
        #expect(throws: IndexError.malformed(index: "index", key: [1, 66, 0, 7])) {
          _ = try view.range(in: index).nextBack()
        }
      }
    }
  }
}
