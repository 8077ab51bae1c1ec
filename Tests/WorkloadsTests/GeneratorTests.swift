// SPDX-License-Identifier: Apache-2.0

import Testing
import Workloads

/// The records that programs in other languages make as well.
@Suite struct GeneratorTests {
  @Test(
    arguments: [
      (
        0, "ed8f01dbe4140b1d89a9817b8a6f46b301dd50d0a6e8eb9c", "cfc9ab66fb64a712",
        "c5d1c68903e02c0d"
      ),
      (
        1, "a905409ab46517bceff077de3c9e4a4893d25283f2f4d0a5", "9e0169abbb3a7267",
        "e2305fcc31511847"
      ),
      (
        999_999, "1f5ebd587ba94d166bb72bd9c9468f0e17bb43a8c62b901a", "1ff2812c665ba903",
        "9cda7a4ff29c58a1"
      ),
      (
        4_999_999, "ca5ceb9e7512f31b7b03d101f1ae7f55be70a6a34975ca69", "24c3b313a73b5af8",
        "a44c6725adcb325a"
      ),
    ] as [(UInt64, String, String, String)])
  func `a record's bytes are those that other languages make`(
    _ number: UInt64, _ key: String, _ first: String, _ last: String
  ) {
    let table = RecordTable(number..<number + 1)
    #expect(table.key(0).hexadecimal == key)
    #expect(Array(table.value(0).prefix(8)).hexadecimal == first)
    #expect(Array(table.value(0).suffix(8)).hexadecimal == last)
  }

  @Test func `the first thousand records hash to the number that was agreed on`() {
    #expect(RecordTable.isFaithful)
  }

  @Test func `random reads choose the positions that were agreed on`() {
    #expect(SplitMix64.positions(3, below: 1_000_000) == [10_403, 494_564, 869_627])
  }

  @Test func `sorted positions are in the order of the keys`() {
    let table = RecordTable(0..<500)
    let keys = table.sortedPositions().map { table.key(Int($0)) }
    #expect(Set(table.sortedPositions()).count == 500)
    #expect(zip(keys, keys.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
  }

  @Test func `keys at some positions are those of their records, in that order`() {
    let table = RecordTable(0..<50)
    let positions: [Int32] = [7, 3, 7, 49, 0]
    let keys = table.keys(at: positions)
    #expect(keys.count == 5)
    #expect(keys.valueBytes == 0)
    for (place, position) in positions.enumerated() {
      #expect(keys.key(place) == table.key(Int(position)))
      #expect(Array(keys.bytes[keys.keyRange(place)]) == table.key(Int(position)))
    }
  }

  @Test func `few positions of a Zipf distribution come often, spread over all`() {
    var zipf = Zipf(1000)
    var counts: [Int32: Int] = [:]
    for _ in 0..<100_000 { counts[zipf.next(), default: 0] += 1 }
    #expect(counts.keys.allSatisfy { (0..<1000).contains($0) })
    // The n-th most frequent comes about 1/n as often as the first, which has one in 7.5.
    let frequencies = counts.values.sorted(by: >)
    #expect((12_000...15_000).contains(frequencies[0]))
    #expect((0.4...0.6).contains(Double(frequencies[1]) / Double(frequencies[0])))
    #expect((0.07...0.14).contains(Double(frequencies[9]) / Double(frequencies[0])))
    #expect(frequencies.count > 900)
  }
}

extension [UInt8] {
  fileprivate var hexadecimal: String {
    map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
