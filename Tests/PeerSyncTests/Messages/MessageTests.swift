// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import TestSupport
import Testing

/// Hello and acknowledgement as bytes: what a peer sends is read exactly or refused.
@Suite struct MessageTests {
  private static func origin(_ number: UInt64) -> Origin {
    Origin(replica: ReplicaID(high: number, low: number &* 7), incarnation: number & 3)
  }

  private static func hash(_ number: UInt64) -> Hash256 {
    Hash256.of(Array("\(number)".utf8))
  }

  private static let vector: VersionVector = {
    var vector = VersionVector()
    vector[origin(1)] = 3
    vector[origin(2)] = 24
    vector[origin(0xFFFF)] = 70_000
    return vector
  }()

  private static let hello: Hello = {
    var received = vector
    received[origin(9)] = 1
    received[origin(2)] = 1 << 40
    return Hello(
      storeID: StoreID(high: 5, low: 6), origin: origin(1), clock: 1_900_000_000_123,
      heads: vector.entries.map {
        Hello.Head(dot: Dot(origin: $0.origin, sequence: $0.sequence), hash: hash($0.sequence))
      }, received: received, held: 300)
  }()

  private static let acknowledgement = Acknowledgement(
    applied: vector, received: hello.received, held: 300)

  /// The messages as bytes, with what reads and writes them again.
  enum Message: String, CaseIterable {
    case hello, emptyHello, acknowledgement, emptyAcknowledgement

    var bytes: [UInt8] {
      get throws {
        switch self {
        case .hello: try MessageTests.hello.encoded()
        case .emptyHello:
          try Hello(
            storeID: StoreID(high: 0, low: 0), origin: MessageTests.origin(0), clock: 0, heads: [],
            received: VersionVector(), held: 0
          ).encoded()
        case .acknowledgement: try MessageTests.acknowledgement.encoded()
        case .emptyAcknowledgement:
          try Acknowledgement(applied: VersionVector(), received: VersionVector(), held: 0)
            .encoded()
        }
      }
    }

    /// Reads bytes and writes what they say.
    func repeated(_ bytes: [UInt8]) throws(CodingError) -> [UInt8] {
      switch self {
      case .hello, .emptyHello: try Hello(decoding: bytes).encoded()
      case .acknowledgement, .emptyAcknowledgement: try Acknowledgement(decoding: bytes).encoded()
      }
    }
  }

  @Test(arguments: Message.allCases)
  func `a message is read as it was written`(message: Message) throws {
    let bytes = try message.bytes
    #expect(try message.repeated(bytes) == bytes)
    #expect(try Hello(decoding: Self.hello.encoded()) == Self.hello)
    #expect(try Acknowledgement(decoding: Self.acknowledgement.encoded()) == Self.acknowledgement)
  }

  @Test(arguments: Message.allCases)
  func `a message cut anywhere is refused`(message: Message) throws {
    let bytes = try message.bytes
    for length in bytes.indices {
      #expect(throws: CodingError.self, "\(length) bytes") {
        try message.repeated(Array(bytes[..<length]))
      }
    }
  }

  @Test(arguments: Message.allCases)
  func `a message with more behind it is refused`(message: Message) throws {
    let bytes = try message.bytes
    for byte in UInt8.min...UInt8.max {
      #expect(throws: CodingError.self) { try message.repeated(bytes + [byte]) }
    }
  }

  @Test(arguments: Message.allCases)
  func `a message with a wrong bit is refused or is another one`(message: Message) throws {
    let bytes = try message.bytes
    var others = 0
    for place in bytes.indices {
      for bit in 0..<8 {
        var flipped = bytes
        flipped[place] ^= 1 << bit
        do throws(CodingError) {
          #expect(try message.repeated(flipped) == flipped, "bit \(bit) of byte \(place)")
          others += 1
        } catch {
          #expect(error.offset <= bytes.count, "bit \(bit) of byte \(place): \(error)")
        }
      }
    }
    // Identities, clocks and hashes have no redundancy of their own.
    #expect(others > 0)
  }

  @Test func `random bytes are refused`() {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for _ in 0..<5000 {
      var bytes = random.bytes(random.below(120))
      // Half of them begin like a message.
      if random.chance(1, in: 2) { bytes = [random.chance(1, in: 2) ? 0x88 : 0x83] + bytes }
      #expect(throws: CodingError.self) { try Hello(decoding: bytes) }
      #expect(throws: CodingError.self) { try Acknowledgement(decoding: bytes) }
    }
  }

  @Test func `what a later version adds to a hello is skipped`() throws {
    var writer = CBORWriter()
    let bytes = try Self.hello.encoded()
    writer.write(arrayCount: 10)
    writer.append(encoded: Array(bytes.dropFirst()))
    writer.write(unsigned: 7)
    try writer.write(Value.array([.text("later"), .null]))
    #expect(try Hello(decoding: writer.take()) == Self.hello)
  }

  @Test(arguments: 0..<8)
  func `a hello or acknowledgement with fewer elements is refused`(count: Int) throws {
    #expect(throws: CodingError.self) {
      try Hello(decoding: [0x80 | UInt8(count)] + Self.hello.encoded().dropFirst())
    }
    // Three elements is what an acknowledgement has.
    guard count != 3 else { return }
    #expect(throws: CodingError.self) {
      try Acknowledgement(
        decoding: [0x80 | UInt8(count)] + Self.acknowledgement.encoded().dropFirst())
    }
  }

  @Test func `a hello that contradicts itself is refused`() throws {
    var contradiction = Self.hello
    contradiction.received[Self.origin(1)] = 2
    #expect(throws: CodingError.self) { try Hello(decoding: contradiction.encoded()) }
    var unordered = Self.hello
    unordered.heads.reverse()
    #expect(throws: CodingError.self) { try Hello(decoding: unordered.encoded()) }
    var doubled = Self.hello
    doubled.heads.append(doubled.heads[2])
    #expect(throws: CodingError.self) { try Hello(decoding: doubled.encoded()) }
    var acknowledgement = Self.acknowledgement
    acknowledgement.received = VersionVector()
    #expect(throws: CodingError.self) { try Acknowledgement(decoding: acknowledgement.encoded()) }
    // Versions 2 to 1.
    var bytes = try Self.hello.encoded()
    bytes[1] = 2
    #expect(throws: CodingError.self) { try Hello(decoding: bytes) }
  }

  @Test func `as many origins as a vector may have go through, and no more`() throws {
    func message(_ count: Int) -> Hello {
      var vector = VersionVector()
      for number in 0..<count { vector[Self.origin(UInt64(number) + 1)] = UInt64(number) + 1 }
      return Hello(
        storeID: StoreID(high: 1, low: 1), origin: Self.origin(1), clock: 1,
        heads: vector.entries.map {
          Hello.Head(dot: Dot(origin: $0.origin, sequence: $0.sequence), hash: .zero)
        }, received: vector, held: 0)
    }
    let most = message(JournalLimits.vectorEntries)
    let bytes = try most.encoded()
    #expect(bytes.count <= Hello.maximumBytes)
    #expect(try Hello(decoding: bytes) == most)
    let acknowledgement = Acknowledgement(applied: most.received, received: most.received, held: 0)
    #expect(try acknowledgement.encoded().count <= Acknowledgement.maximumBytes)
    #expect(throws: CodingError.self) { try message(JournalLimits.vectorEntries + 1).encoded() }
  }
}
