// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import TestSupport
import Testing

struct VersionVectorTests {
  private func vector(_ entries: [UInt8: UInt64]) -> VersionVector {
    var vector = VersionVector()
    for (number, sequence) in entries { vector[Samples.origin(number)] = sequence }
    return vector
  }

  @Test func `an origin that is absent counts as zero and zero removes it`() {
    var vector = vector([1: 5, 2: 7])
    #expect(vector[Samples.origin(3)] == 0)
    vector[Samples.origin(1)] = 0
    vector[Samples.origin(9)] = 0
    #expect(vector == self.vector([2: 7]))
    #expect(vector.entries.map(\.sequence) == [7])
  }

  @Test func `a vector covers what it includes`() {
    let vector = vector([1: 5])
    #expect(vector.covers(Samples.origin(1), 5))
    #expect(!vector.covers(Samples.origin(1), 6))
    #expect(!vector.covers(Dot(origin: Samples.origin(2), sequence: 1)))
  }

  @Test func `a vector dominates those it includes`() {
    let vector = vector([1: 5, 2: 1])
    #expect(vector.dominates(vector))
    #expect(vector.dominates(VersionVector()))
    #expect(vector.dominates(self.vector([2: 1])))
    #expect(!vector.dominates(self.vector([1: 6])))
    #expect(!vector.dominates(self.vector([3: 1])))
    #expect(!self.vector([3: 1]).dominates(self.vector([0: 1])))
  }

  @Test(arguments: testSeeds(20))
  func `vectors behave like dictionaries`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    var (one, two): ([UInt8: UInt64], [UInt8: UInt64]) = ([:], [:])
    for _ in 0..<12 {
      one[UInt8.random(in: 0..<20, using: &generator)] = 1 + generator.next() >> 60
      two[UInt8.random(in: 0..<20, using: &generator)] = 1 + generator.next() >> 60
    }
    #expect(
      vector(one).dominates(vector(two)) == two.allSatisfy { one[$0.key, default: 0] >= $0.value })
    #expect(VersionVector(vector(one).description) == vector(one))
    #expect(try VersionVector(decoding: vector(one).encoded()) == vector(one))
  }

  @Test func `the text of a vector is its position`() {
    #expect(VersionVector().description.isEmpty)
    #expect(VersionVector("") == VersionVector())
    let digits = "01010101010101010101010101010101.0101010101010101"
    #expect(vector([1: 42]).description == digits + ":42")
    #expect(vector([2: 1, 1: 42]).description.hasPrefix(digits + ":42,0202"))
  }

  @Test func `a text that is no position is refused`() {
    let one = "01010101010101010101010101010101.0101010101010101"
    let two = "02020202020202020202020202020202.0202020202020202"
    for text in [
      one, one + ":", one + ":0", one + ":01", one + ":-1", one + ":1,", "," + one + ":1",
      one + ":99999999999999999999", one + ":4611686018427387905", one + ":1," + one + ":2",
      two + ":1," + one + ":1", one + ":1 ", one + ":१", "x",
    ] {
      #expect(VersionVector(text) == nil, "\(text)")
    }
    #expect(VersionVector(one + ":4611686018427387904") != nil)
  }

  @Test func `a text with too many origins is refused`() {
    var vector = VersionVector()
    for number in 0...JournalLimits.vectorEntries {
      let replica = ReplicaID(high: 0, low: UInt64(number))
      vector[Origin(replica: replica, incarnation: 0)] = 1
    }
    #expect(VersionVector(vector.description) == nil)
    #expect(throws: CodingError.self) { try vector.encoded() }
  }
}
