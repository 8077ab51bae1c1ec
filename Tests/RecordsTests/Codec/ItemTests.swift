// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import TestSupport
import Testing

@Suite("CBOR items")
struct ItemTests {
  /// Reads one value strictly; throws what is wrong.
  private static func check(_ bytes: [UInt8]) throws(ItemFault) {
    var cursor = ItemCursor(end: bytes.count)
    _ = try cursor.strictValue(bytes.span)
    guard cursor.isAtEnd else { throw cursor.fault("something follows") }
  }

  @Test func `the strict reader takes just what the journal's decoder takes`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for _ in 0..<2000 {
      var bytes = try RandomValues.value(&random, depth: 3).encoded()
      #expect(throws: Never.self) { try Self.check(bytes) }
      for _ in 0..<8 {
        switch random.below(3) {
        case 0: bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
        case 1 where bytes.count > 1: bytes.removeLast(random.below(bytes.count))
        default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: 0)
        }
        let isValue = (try? Value(decoding: bytes)) != nil
        let isTaken = (try? Self.check(bytes)) != nil
        #expect(isValue == isTaken, "seed \(TestEnvironment.seed): \(bytes)")
      }
    }
  }

  @Test func `half floats are found and read as the journal does`() throws {
    for bits in 0...UInt16.max {
      let value = HalfFloat.value(of: bits)
      guard value.isFinite else { continue }
      #expect(HalfFloat.bits(of: Float(value)) == bits)
      var bytes: [UInt8] = []
      bytes.appendDouble(value)
      let expected = try Value.double(value).encoded()
      #expect(bytes == expected)
    }
  }

  @Test func `absurd lengths and counts are refused before anything is reserved`() {
    for head in [0x5b, 0x7b, 0x9b, 0xbb] as [UInt8] {
      let bytes = [head] + Array(repeating: 0xff, count: 8)
      #expect(throws: ItemFault.self) { try Self.check(bytes) }
      var cursor = ItemCursor(end: bytes.count)
      #expect(throws: ItemFault.self) { try cursor.item(bytes.span) }
    }
  }

  @Test func `base64 has one text for each byte string`() {
    for count in 0..<10 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) }
      var text: [UInt8] = []
      Base64.encode(bytes.span, 0..<count, into: &text)
      #expect(Base64.decode(text[...]) == bytes)
      for place in text.indices {
        var other = text
        other[place] = UInt8(ascii: "!")
        #expect(Base64.decode(other[...]) == nil)
      }
    }
  }

  @Test func `the state of a record cut or flipped anywhere is refused or read, without harm`()
    throws
  {
    try withReplicas(2) { replicas in
      try replicas[0].store.put("c", .text("k"), ["a": .text("x"), "b": .bytes([1])])
      try replicas[1].store.put("c", .text("k"), ["a": .text("y"), "c": .null])
      _ = try replicas[0].store.apply(replicas[1].transactions())
      let tree = try replicas[0].trees()[StoreTree.records("c")] ?? [:]
      let bytes = try #require(tree[RecordKey.text("k").orderedBytes])
      var state = RecordState()
      for length in 0..<bytes.count {
        #expect(throws: ItemFault.self) { try state.read(Array(bytes[..<length]).span) }
      }
      for bit in 0..<bytes.count * 8 {
        var damaged = bytes
        damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        var view = RecordView()
        guard (try? view.read(damaged, "c", [])) == true else { continue }
        _ = try? view.record("c", RecordKey.text("k").orderedBytes)
      }
    }
  }
}
