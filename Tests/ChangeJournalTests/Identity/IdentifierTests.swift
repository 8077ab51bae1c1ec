// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import TestSupport
import Testing

struct IdentifierTests {
  @Test func `identifiers are written as lowercase hexadecimal and read back`() throws {
    let text = "00112233445566778899aabbccddeeff"
    let replica = try #require(ReplicaID(text))
    #expect(replica.description == text)
    #expect(
      replica.bytes == [
        0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
      ])
    #expect(ReplicaID(bytes: replica.bytes) == replica)
    #expect(StoreID(text)?.bytes == replica.bytes)
    let origin = Origin(replica: replica, incarnation: 0x0102_0304_0506_0708)
    #expect(origin.description == text + ".0102030405060708")
    #expect(Origin(origin.description) == origin)
    #expect(origin.bytes == replica.bytes + [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(Origin(bytes: origin.bytes) == origin)
  }

  @Test(arguments: [
    "", "0", "00112233445566778899AABBCCDDEEFF", "00112233445566778899aabbccddeef",
    "00112233445566778899aabbccddeefff", "00112233445566778899aabbccddeefg",
    "+0112233445566778899aabbccddeeff", "0011223344556677é99aabbccddeef",
  ])
  func `a text that is no identifier is refused`(text: String) {
    #expect(ReplicaID(text) == nil)
    #expect(StoreID(text) == nil)
    #expect(Origin(text + ".0102030405060708") == nil)
    #expect(Origin("00112233445566778899aabbccddeeff." + text) == nil)
  }

  @Test func `identifiers order as their bytes do`() {
    var generator = SplitMix64(seed: TestEnvironment.seed)
    for _ in 0..<1000 {
      let (one, two) = (
        Origin(
          replica: ReplicaID(high: generator.next() >> 62, low: generator.next()),
          incarnation: generator.next()),
        Origin(
          replica: ReplicaID(high: generator.next() >> 62, low: generator.next()),
          incarnation: generator.next())
      )
      #expect(
        (one < two) == one.bytes.lexicographicallyPrecedes(two.bytes),
        "seed \(TestEnvironment.seed)")
    }
  }

  @Test func `the tag of an origin is the beginning of its digest`() {
    // sha256(b"record-store origin" + bytes([1] * 24)), first eight bytes, by Python's hashlib.
    #expect(Samples.origin(1).tag == 0x610e_dae3_1007_7d7c)
  }

  @Test func `a digest is that of FIPS 180-4 and is written as hexadecimal`() throws {
    let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    let hash = Hash256.of(Array("abc".utf8))
    #expect(hash.description == text)
    #expect(Hash256(text) == hash)
    #expect(Hash256(bytes: hash.bytes) == hash)
    #expect(Hash256(text.uppercased()) == nil)
    #expect(Hash256(bytes: hash.bytes.dropLast()) == nil)
    #expect(Hash256.zero.bytes == Array(repeating: 0, count: 32))
  }

  @Test func `a UUID is written in groups and read in either case`() throws {
    let text = "00112233-4455-6677-8899-aabbccddeeff"
    let uuid = try #require(UUIDBytes(text))
    #expect(uuid.description == text)
    #expect(UUIDBytes(text.uppercased()) == uuid)
    for wrong in [
      "", "00112233445566778899aabbccddeeff", text + "0", "0011223-34455-6677-8899-aabbccddeeff",
    ] {
      #expect(UUIDBytes(wrong) == nil)
    }
  }
}
