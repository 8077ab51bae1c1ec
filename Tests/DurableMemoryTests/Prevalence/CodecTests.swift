// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import Foundation
import StorageEngine
import TestSupport
import Testing

/// The codec of `Codable` types, and others in its place.
struct CodecTests {
  private func roundTrip<T: Codable>(_ value: T, isCanonical: Bool = false) throws -> T {
    let codec = BinaryCodec<T>(isCanonical: isCanonical)
    var bytes: [UInt8] = [9]
    try codec.encode(value, into: &bytes)
    #expect(bytes[0] == 9)
    return try codec.decode(bytes[1...])
  }

  @Test func `integers of every width come back exactly (P204)`() throws {
    func check<T: FixedWidthInteger & Codable>(_ type: T.Type) throws {
      for value in [T.min, T.max, 0, 1, T.max / 3, T.min / 3] {
        #expect(try roundTrip(value) == value)
        #expect(try roundTrip([value, value]) == [value, value])
        #expect(try roundTrip(Optional(value)) == value)
      }
    }
    try check(Int8.self)
    try check(Int16.self)
    try check(Int32.self)
    try check(Int64.self)
    try check(Int128.self)
    try check(Int.self)
    try check(UInt8.self)
    try check(UInt16.self)
    try check(UInt32.self)
    try check(UInt64.self)
    try check(UInt128.self)
    try check(UInt.self)
  }

  @Test func `numbers that are not finite come back with all their bits (P204)`() throws {
    let doubles: [Double] = [
      .nan, .signalingNaN, .infinity, -.infinity, -0.0, .leastNonzeroMagnitude, .pi,
      Double(bitPattern: 0x7FF8_0000_0000_1234),
    ]
    for value in doubles { #expect(try roundTrip(value).bitPattern == value.bitPattern) }
    for value in doubles.map(Float.init) {
      #expect(try roundTrip([value])[0].bitPattern == value.bitPattern)
    }
  }

  @Test(arguments: [false, true])
  func `dictionaries with keys of any type come back (P204)`(isCanonical: Bool) throws {
    let points: [Point: [Int: String?]] = [
      Point(x: 1, y: .nan): [3: "three", 4: nil], Point(x: .min, y: .infinity): [:],
    ]
    // One of the keys is not equal to itself.
    let again = try roundTrip(points, isCanonical: isCanonical)
    #expect(Self.entries(of: again) == Self.entries(of: points))
    let map: [[UInt64]: Set<String>] = [[.max]: ["a", "b"], []: []]
    #expect(try roundTrip(map, isCanonical: isCanonical) == map)
    #expect(try roundTrip([Bool: Double](), isCanonical: isCanonical).isEmpty)
  }

  /// Every bit of keys and values.
  private static func entries(of points: [Point: [Int: String?]]) -> Set<String> {
    Set(
      points.map { point, names in
        let names = names.map { "\($0.key) \(String(describing: $0.value))" }.sorted()
        return "\(point.x) \(point.y.bitPattern) \(names)"
      })
  }

  @Test func `optional, nested, empty and inherited values come back (P204)`() throws {
    // The guide says so: there is one `nil` in the bytes.
    #expect(try roundTrip(Int??.some(nil)) == Int??.none)
    #expect(try roundTrip(Int??.some(3)) == 3)
    #expect(try roundTrip([Int?.none, 3]) == [nil, 3])
    let heir = Heir()
    (heir.base, heir.own) = (4, "five")
    let again = try roundTrip(heir)
    #expect(again.base == 4 && again.own == "five")
    _ = try roundTrip(Empty())
    #expect(try roundTrip([Empty(), Empty()]).count == 2)
    let tree = Tree.node(.leaf(1), .node(.leaf(2), .leaf(.max)))
    #expect(try roundTrip(tree) == tree)
    #expect(try roundTrip("\u{0}é𝄞") == "\u{0}é𝄞")
    #expect(try roundTrip([UInt8]()) == [])
  }

  @Test func `depth is limited both ways (P192)`() throws {
    var tree = Tree.leaf(0)
    for _ in 0..<1000 { tree = .node(tree, .leaf(1)) }
    var bytes: [UInt8] = []
    #expect(throws: BinaryCodingError.tooDeep(limit: 384)) {
      try BinaryCodec<Tree>().encode(tree, into: &bytes)
    }
    bytes = []
    var shallow = Tree.leaf(0)
    for _ in 0..<20 { shallow = .node(shallow, .leaf(1)) }
    try BinaryCodec<Tree>().encode(shallow, into: &bytes)
    #expect(throws: BinaryCodingError.tooDeep(limit: 10)) {
      _ = try BinaryCodec<Tree>(depthLimit: 10).decode(bytes[...])
    }
    #expect(try BinaryCodec<Tree>().decode(bytes[...]) == shallow)
  }

  /// Returns how deep a value can grow until it is too deep; all before that come back.
  private func growth<T: Codable & Equatable>(
    from seed: T, isCanonical: Bool, _ grow: (T) -> T
  ) throws -> Int {
    let codec = BinaryCodec<T>(isCanonical: isCanonical)
    var value = seed
    for depth in 0..<400 {
      var bytes: [UInt8] = []
      do {
        try codec.encode(value, into: &bytes)
      } catch BinaryCodingError.tooDeep {
        return depth
      }
      guard try codec.decode(bytes[...]) == value else { throw TestFailure("depth \(depth)") }
      value = grow(value)
    }
    throw TestFailure("no limit is met")
  }

  @Test(arguments: [false, true])
  func `whatever can be encoded can be decoded, however deep it is (P192, P204)`(isCanonical: Bool)
    throws
  {
    // Each case takes three, the last one as well.
    #expect(
      try growth(from: Tree.leaf(0), isCanonical: isCanonical) { .node($0, .leaf(1)) } == 128)
    for place in 0..<3 {
      let deepest = try growth(from: Nest(), isCanonical: isCanonical) { Nest(around: $0, place) }
      #expect(deepest > 90, "place \(place)")
    }
  }

  @Test func `vectors come back, and a container knows how many there are (P204)`() throws {
    let vector = SIMD3<Double>(1.5, -.infinity, -0.0)
    #expect(try roundTrip(vector) == vector)
    #expect(try roundTrip([SIMD2<Int32>(1, .min)]) == [SIMD2<Int32>(1, .min)])
    #expect(try roundTrip(Pairs(numbers: [1, 2, 3])).numbers == [1, 2, 3])
  }

  @Test func `a dictionary that a type hands on is canonical as well (P220)`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for _ in 0..<100 {
      let keys = (0..<random.below(40)).map { "\($0)" }
      var (first, second) = (Wrapped(), Wrapped())
      for key in keys { first.names[key] = key.count }
      second.names.reserveCapacity(1000)
      for key in keys.reversed() { second.names[key] = key.count }
      #expect(try StateHash.hash(of: first) == StateHash.hash(of: second))
      #expect(try StateHash.hash(of: [first]) == StateHash.hash(of: [second]))
      #expect(try roundTrip(first, isCanonical: true) == second)
      first.names["x"] = 1
      #expect(try StateHash.hash(of: first) != StateHash.hash(of: second))
    }
  }

  @Test(arguments: [1, 2, 16, 17, 40])
  func `a field that comes twice is malformed, among few and among many (P192)`(_ count: Int) throws
  {
    let names = (0..<count).map { "\($0)" }
    #expect(try BinaryCodec<Wrapped>().decode(fields(names)[...]).names.count == count)
    for name in names {
      #expect {
        _ = try BinaryCodec<Wrapped>().decode(fields(names + [name])[...])
      } throws: { error in
        guard case BinaryCodingError.malformed(_, "a field comes twice") = error else {
          return false
        }
        return true
      }
    }
  }

  /// Puts a dictionary among its own fields.
  private struct Flat: Codable {
    var id = 1
    var extra: [String: Int]

    private enum Name: CodingKey { case id }

    init(_ extra: [String: Int]) { self.extra = extra }

    init(from decoder: any Decoder) throws {
      extra = try [String: Int](from: decoder)
      id = extra.removeValue(forKey: "id") ?? 0
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: AnyName.self)
      for (name, value) in extra { try container.encode(value, forKey: AnyName(stringValue: name)) }
      var own = encoder.container(keyedBy: Name.self)
      try own.encode(id, forKey: .id)
    }
  }

  private struct AnyName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  @Test(arguments: [0, 1, 6, 7, 8, 9, 31, 32, 200])
  func `what nothing could read is not written: a field twice (P192)`(_ count: Int) throws {
    let extra = Dictionary(uniqueKeysWithValues: (0..<count).map { ("\($0)", $0) })
    var bytes: [UInt8] = []
    try BinaryCodec<[Flat]>().encode([Flat(extra), Flat([:])], into: &bytes)
    #expect(bytes.count > count)
    let twice = Flat(extra.merging(["id": 5]) { $1 })
    #expect(throws: BinaryCodingError.fieldTwice(name: "id")) {
      try BinaryCodec<[Flat]>().encode([Flat([:]), twice], into: &bytes)
    }
  }

  /// The bytes of fields with a one in each.
  private func fields(_ names: [String]) -> [UInt8] {
    var content: [UInt8] = []
    for name in names {
      content.append(UInt8(name.utf8.count))
      content += name.utf8
      content += [4, 1]
    }
    return [9, UInt8(content.count & 0xFF), UInt8(content.count >> 8), 0, 0] + content
  }

  @Test func `damaged bytes are an error and never a trap (P192)`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let value = Everything()
    var bytes: [UInt8] = []
    try BinaryCodec<Everything>().encode(value, into: &bytes)
    for cut in bytes.indices {
      #expect(throws: (any Error).self) { _ = try BinaryCodec<Everything>().decode(bytes[..<cut]) }
    }
    for _ in 0..<TestEnvironment.count("RECORD_STORE_ROUNDS", quick: 20_000) {
      var damaged = bytes
      for _ in 0...random.below(3) {
        damaged[random.below(damaged.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      _ = try? BinaryCodec<Everything>().decode(damaged[...])
      _ = try? BinaryCodec<Everything>().decode(random.bytes(random.below(60))[...])
    }
  }

  @Test
  func `a codec of one's own is used once for each command and once at the replay (P95, P124)`()
    throws
  {
    let bank = try BankStore { $0.verification = .none }
    bank.registry.register(CodecCounted.self)
    try bank.reopen()
    CodecCounted.counts.withLock { $0 = (0, 0) }
    for _ in 0..<10 { try bank.system.execute(CodecCounted()) }
    #expect(CodecCounted.counts.withLock { $0 } == (10, 0))
    try bank.reopen()
    #expect(CodecCounted.counts.withLock { $0 } == (10, 10))
    try bank.finish()
  }

  @Test
  func
    `a compressed and enciphered journal comes back, and with another key is a clear error (P37, P38)`()
    throws
  {
    let bank = try BankStore()
    bank.registry.register(Secret.self)
    try bank.reopen()
    Secret.key.withLock { $0 = 7 }
    try bank.system.execute(Secret(text: String(repeating: "secret ", count: 100)))
    let entry = try bank.system.entries(after: 0)[0]
    #expect(entry.command.count < 700)
    try bank.kill()
    #expect(try bank.model.notes.count == 1)
    Secret.key.withLock { $0 = 8 }
    #expect {
      try bank.reopen()
    } throws: { error in
      guard case PrevalenceError.undecodable("Secret", 1, 1, let reason) = error else {
        return false
      }
      return reason.contains("wrong key")
    }
    Secret.key.withLock { $0 = 7 }
    bank.reopenDatabase()
    try bank.openSystem()
    try bank.finish()
  }

  @Test func `text in journal and images comes back, one entry for each command (P39, P40, P168)`()
    throws
  {
    var options = PrevalentOptions<Bank>(codec: TextCodec<Bank>())
    options.seed = 1
    let database = try Database.inMemory(limit: 64 << 20)
    let registry = CommandRegistry<Bank>(TextNote.self)
    let system = try PrevalentSystem.open(in: database, registry, options: options) { Bank() }
    for number in 0..<100 { try system.execute(TextNote(text: "\(number)")) }
    let entries = try system.entries(after: 0)
    #expect(entries.count == 100)
    #expect(String(decoding: entries[3].command, as: UTF8.self) == #"{"text":"3"}"#)
    try system.writeImage()
    try system.execute(TextNote(text: "last"))
    try system.close()
    let again = try PrevalentSystem.open(in: database, registry, options: options)
    #expect(try again.query { $0.notes.count } == 101)
    try again.close()
    #expect(try database.check().isIntact)
    try database.close()
  }

  @Test func `an exported model has these bytes, and is imported again (P93)`() throws {
    var bank = Bank(accounts: ["b": 2, "a": -1], notes: ["n"])
    bank.words = [.max]
    var bytes: [UInt8] = []
    try BinaryCodec<Bank>(isCanonical: true).encode(bank, into: &bytes)
    let text = bytes.map { String(Int($0) + 256, radix: 16).dropFirst() }.joined()
    #expect(text == Self.golden)
    let imported = try BinaryCodec<Bank>().decode(bytes[...])
    let system = try PrevalentSystem.inMemory(.bank, options: BankStore.options()) { imported }
    #expect(try system.query { $0 } == bank)
    try system.close()
  }

  private static let golden = """
    0947000000086163636f756e74730a0a0000000701610301070162030405\
    6e6f7465730803000000\
    07016e0574696d6573080000000005776f726473080b00000004ffffffffffffffff\
    ff01
    """
}

struct Point: Codable, Hashable {
  var x: Int64
  var y: Double
}

struct Empty: Codable {}

indirect enum Tree: Codable, Equatable {
  case leaf(Int)
  case node(Tree, Tree)
}

/// Another one inside, in an array, a dictionary or an optional value.
struct Nest: Codable, Equatable {
  var list: [Nest] = []
  var map: [Int: [Nest]] = [:]
  var named: [String: Nest?] = [:]

  init() {}

  init(around inner: Nest, _ place: Int) {
    switch place {
    case 0: list = [inner]
    case 1: map = [1: [inner]]
    default: named = ["n": inner]
    }
  }
}

/// Asks how many elements there are.
struct Pairs: Codable {
  var numbers: [Int]

  init(numbers: [Int]) { self.numbers = numbers }

  init(from decoder: any Decoder) throws {
    var container = try decoder.unkeyedContainer()
    let count = container.count ?? 0
    numbers = try (0..<count).map { _ in try container.decode(Int.self) }
    guard container.count == count, container.isAtEnd else { throw TestFailure("\(count)") }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.unkeyedContainer()
    for number in numbers { try container.encode(number) }
  }
}

/// Hands its dictionary on.
struct Wrapped: Codable, Equatable {
  var names: [String: Int] = [:]

  init() {}
  init(from decoder: any Decoder) throws { names = try [String: Int](from: decoder) }
  func encode(to encoder: any Encoder) throws { try names.encode(to: encoder) }
}

class Base: Codable {
  var base = 1
  init() {}
}

final class Heir: Base {
  var own = ""
  private enum Keys: CodingKey { case own }

  override init() { super.init() }

  required init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Keys.self)
    own = try container.decode(String.self, forKey: .own)
    try super.init(from: container.superDecoder())
  }

  override func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(own, forKey: .own)
    try super.encode(to: container.superEncoder())
  }
}

struct Everything: Codable {
  var flag = true
  var numbers: [Int] = [1, -70_000, .max]
  var texts: [String: Double] = ["a": 1.5, "": .nan]
  var points: [Point: Set<Int>] = [Point(x: 1, y: 2): [3]]
  var bytes: [UInt8] = [1, 2, 3]
  var tree = Tree.node(.leaf(1), .leaf(2))
  var wide = Int128.max
  var nothing: Int?
  var small: Float = 2.5
}

struct CodecCounted: Command {
  static let counts = Guarded((written: 0, read: 0))

  struct Codec: PrevalentCodec {
    func encode(_ value: CodecCounted, into bytes: inout [UInt8]) {
      CodecCounted.counts.withLock { $0.written += 1 }
    }
    func decode(_ bytes: ArraySlice<UInt8>) -> CodecCounted {
      CodecCounted.counts.withLock { $0.read += 1 }
      return CodecCounted()
    }
  }

  static let codec = Codec()
  func execute(on model: inout Bank, in context: inout CommandContext) { model.notes.append("c") }
}

/// Runs of equal words are counted, and each byte is changed by a key.
struct Secret: Command {
  static let key = Guarded<UInt8>(0)

  struct Codec: PrevalentCodec {
    func encode(_ value: Secret, into bytes: inout [UInt8]) {
      let key = Secret.key.withLock { $0 }
      let words = value.text.split(separator: " ")
      let text = "\(words.count)×\(words.first ?? "")"
      bytes.append(contentsOf: ("key" + text).utf8.map { $0 ^ key })
    }

    func decode(_ bytes: ArraySlice<UInt8>) throws -> Secret {
      let key = Secret.key.withLock { $0 }
      let text = String(decoding: bytes.map { $0 ^ key }, as: UTF8.self)
      guard text.hasPrefix("key") else { throw WrongKey() }
      let parts = text.dropFirst(3).split(separator: "×")
      guard parts.count == 2, let count = Int(parts[0]) else { throw WrongKey() }
      return Secret(text: String(repeating: "\(parts[1]) ", count: count))
    }
  }

  struct WrongKey: Error, CustomStringConvertible {
    var description: String { "wrong key" }
  }

  static let codec = Codec()
  var text: String
  func execute(on model: inout Bank, in context: inout CommandContext) { model.notes.append(text) }
}

struct TextCodec<Value: Codable>: PrevalentCodec {
  func encode(_ value: Value, into bytes: inout [UInt8]) throws {
    bytes.append(contentsOf: try JSONEncoder().encode(value))
  }
  func decode(_ bytes: ArraySlice<UInt8>) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(bytes))
  }
}

struct TextNote: Command, Codable {
  static let codec = TextCodec<TextNote>()
  var text: String
  func execute(on model: inout Bank, in context: inout CommandContext) { model.notes.append(text) }
}
