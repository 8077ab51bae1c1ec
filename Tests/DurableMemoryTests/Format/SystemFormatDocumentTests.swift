// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import TestSupport
import Testing

/// What docs/FORMAT.md says of prevalent systems and of the limits of durable memory must agree with
/// the code.
struct SystemFormatDocumentTests {
  private let document: FormatChapter

  init() throws {
    document = try FormatChapter(7)
  }

  // MARK: Binary codec

  @Test
  func `tags are those of the table`() throws {
    let tags = (0...UInt8.max).compactMap(BinaryTag.init)
    let rows = try document.table("Tag", in: "Values of the binary codec")
    #expect(rows.map { $0[0] } == tags.map { "\($0.rawValue)" })
    #expect(rows.map { $0[1] } == tags.map { "\($0)" })
  }

  @Test
  func `values of Swift types are written as in the table`() throws {
    #expect(try bytes(false) == [1])
    #expect(try bytes(true) == [2])
    #expect(try bytes([Int8.min, -1, 0, 1]) == [8, 9, 0, 0, 0, 3, 0xFF, 1, 3, 1, 3, 0, 3, 2])
    #expect(try bytes(300 as UInt16) == [4, 0xAC, 2])
    #expect(try bytes(UInt64.max) == [4] + [UInt8](repeating: 0xFF, count: 9) + [1])
    #expect(try bytes(1.0 as Float) == [5, 0, 0, 0x80, 0x3F])
    #expect(try bytes(1.0) == [6, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
    #expect(try bytes("é") == [7, 2, 0xC3, 0xA9])
    #expect(try bytes([1, 2] as [UInt8]) == [13, 2, 1, 2])
    #expect(try bytes([3 as UInt8: "c"]) == [10, 5, 0, 0, 0, 4, 3, 7, 1, 0x63])
    #expect(try bytes(-2 as Int128) == [11, 0xFE] + [UInt8](repeating: 0xFF, count: 15))
    #expect(try bytes(2 as UInt128) == [12, 2] + [UInt8](repeating: 0, count: 15))
    #expect(try bytes([nil, 1] as [UInt8?]) == [8, 3, 0, 0, 0, 0, 4, 1])
    #expect(try bytes(TwoFields(a: 1, b: nil)) == [9, 4, 0, 0, 0, 1, 0x61, 4, 1])
    #expect(try bytes(RawCase.second) == [4, 2])
    let empty: [UInt8] = [5] + "empty".utf8 + [9, 0, 0, 0, 0]
    #expect(try bytes(AnyCase.empty) == [9, 11, 0, 0, 0] + empty)
    let full: [UInt8] = [4] + "full".utf8 + [9, 5, 0, 0, 0, 2] + "_0".utf8 + [4, 1]
    #expect(try bytes(AnyCase.full(1)) == [9, 15, 0, 0, 0] + full)
    #expect(try bytes(Nothing()) == [9, 0, 0, 0, 0])
  }

  @Test
  func `the canonical form has the order that is described`() throws {
    let map = ["b": 1 as UInt8, "aa": 2, "c": 3]
    let texts = [[1, 0x62, 4, 1], [1, 0x63, 4, 3], [2, 0x61, 0x61, 4, 2]] as [[UInt8]]
    #expect(try canonical(map) == [10, 16, 0, 0, 0] + texts.flatMap { [7] + $0 })
    let fields: [UInt8] = [1, 0x61, 4, 0, 1, 0x62, 4, 2]
    #expect(try canonical(TwoFields(a: 0, b: 2)) == [9, 8, 0, 0, 0] + fields)
    let set: Set<UInt16> = [300, 2, 1]
    #expect(try canonical(set) == [8, 7, 0, 0, 0, 4, 1, 4, 2, 4, 0xAC, 2])
    #expect(try canonical(0.0) != canonical(-0.0))
  }

  @Test
  func `a reader takes and refuses what is described`() throws {
    #expect(try decode(Int8.self, [4, 5]) == 5)
    #expect(try decode(UInt128.self, [3, 2]) == 1)
    #expect(try decode([UInt8].self, [8, 4, 0, 0, 0, 4, 1, 3, 4]) == [1, 2])
    let fields: [UInt8] = [9, 7, 0, 0, 0, 1, 0x78, 0, 1, 0x61, 3, 2]
    #expect(try decode(TwoFields.self, fields).a == 1, "an unknown field, and none")
    #expect(throws: (any Error).self) { try decode(Int?.self, [14]) }
    #expect(throws: (any Error).self) { try decode(Int.self, [4, 1, 0]) }
    #expect(throws: (any Error).self, "a field twice") {
      try decode(TwoFields.self, [9, 8, 0, 0, 0, 1, 0x61, 4, 1, 1, 0x61, 4, 1])
    }
    #expect(throws: (any Error).self) { try decode(Double.self, [5, 0, 0, 0, 0]) }
    #expect(throws: (any Error).self) { try decode(String.self, [7, 2, 0x61]) }
    #expect(throws: (any Error).self) { try decode(String.self, [7, 1, 0xFF]) }
    #expect(throws: (any Error).self) { try decode([Int].self, [8, 4, 0, 0, 0, 4, 1]) }
    #expect(throws: (any Error).self) { try decode(Set<Int>.self, [8, 4, 0, 0, 0, 3, 2, 3, 2]) }
    #expect(throws: (any Error).self) {
      try decode([Int: Bool].self, [10, 6, 0, 0, 0, 3, 2, 1, 3, 2, 2])
    }
  }

  @Test
  func `a number has one form, wherever groups of seven bits are read`() throws {
    #expect(try document.words(of: "Trees").contains("ends with a byte 0 behind others"))
    #expect(try decode(UInt64.self, [4, 0]) == 0)
    #expect(try decode(UInt64.self, [4] + [UInt8](repeating: 0x80, count: 9) + [1]) == 1 << 63)
    for longer in [[0x80, 0], [0x81, 0], [0x81, 0x80, 0]] as [[UInt8]] {
      #expect(throws: BinaryCodingError.self) { try decode(Int.self, [3] + longer) }
      #expect(throws: BinaryCodingError.self) { try decode(UInt64.self, [4] + longer) }
      #expect(throws: BinaryCodingError.self) { try decode(String.self, [7] + longer + [0x61]) }
      #expect(throws: BinaryCodingError.self) { try decode([UInt8].self, [13] + longer + [0x61]) }
      #expect(throws: BinaryCodingError.self, "of a field that is passed over") {
        try decode(TwoFields.self, [9, UInt8(3 + longer.count), 0, 0, 0, 1, 0x78, 4] + longer)
      }
      let tuple = longer + [0x61]
      #expect(throws: DurableDecodingError.self) {
        try DurableTuple<String>(decoding: tuple.span)
      }
      #expect(throws: PrevalenceError.self) {
        try JournalRecord(number: 1, ([1, 0] + longer + [1, 0x78, 1])[...])
      }
      #expect(throws: PrevalenceError.self) {
        try JournalRecord(number: 1, ([1, 0, 0, 1, 0x78] + longer)[...])
      }
    }
  }

  private func bytes<T: Codable>(_ value: T, isCanonical: Bool = false) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try BinaryCodec<T>(isCanonical: isCanonical).encode(value, into: &bytes)
    return bytes
  }

  private func canonical(_ value: some Codable) throws -> [UInt8] {
    try bytes(value, isCanonical: true)
  }

  private func decode<T: Codable>(_ type: T.Type, _ bytes: [UInt8]) throws -> T {
    try BinaryCodec<T>().decode(bytes[...])
  }

  // MARK: Information and images

  @Test
  func `the information of a system has the fields of the table`() throws {
    let information = SystemInformation(modelName: "Bank", seed: 7)
    let rows = try document.table("Information field", in: "Information of a system")
    try compare(rows, bytes(information))
    #expect(rows[0][2].hasPrefix("\(SystemInformation.supportedFormat): "))
    let words = try document.words(of: "Information of a system")
    #expect(words.contains("has the tag \(BinaryTag.fields.rawValue), and"))
  }

  @Test
  func `the header of an image has the fields of the table`() throws {
    var header = ImageHeader(
      number: 1, time: 2, modelName: "Bank", modelVersion: 3, tree: "4", chunks: 5, bytes: 6,
      checksum: 7, stateHash: 8)
    let rows = try document.table("Image field", in: "Images")
    try compare(rows, bytes(header))
    header.stateHash = nil
    try compare(Array(rows.dropLast()), bytes(header))
    #expect(rows[0][2].hasPrefix("\(ImageHeader.supportedFormat): "))
    let words = try document.words(of: "Images")
    #expect(words.contains("chunks of \(ImageHeader.chunkBytes) bytes"))
    #expect(words.contains("`<number>`, or `<number>.2`, `<number>.3`…"))
    #expect(words.contains("has the tag \(BinaryTag.fields.rawValue), and"))
  }

  /// Compares rows with the names and tags of the fields of a value.
  private func compare(_ rows: [[String]], _ bytes: [UInt8]) throws {
    let source = BinarySource(bytes[...], depthLimit: 1)
    var cursor = BinaryCursor(source: source, offset: 0, end: bytes.count, depth: 0)
    var fields = try cursor.readContainer(.fields)
    var found: [[String]] = []
    while !fields.isAtEnd {
      let name = String(decoding: try fields.readBytes(), as: UTF8.self)
      found.append(["`\(name)`", "\(try fields.peek())"])
      try fields.skip()
    }
    #expect(rows.map { Array($0.prefix(2)) } == found)
  }

  // MARK: Commands

  @Test
  func `an entry of the journal has the fields of the table`() throws {
    let rows = try document.table("Type", in: "Journal of commands")
    var entry: [UInt8] = []
    JournalRecord.appendHead(time: 300, hash: 0x0102, to: &entry)
    JournalRecord.appendForm("raw", version: 200, to: &entry)
    let fields: [(type: String, text: String, bytes: [UInt8])] = [
      ("u8", "format: \(JournalRecord.supportedFormat);", [JournalRecord.supportedFormat]),
      (
        "u8",
        "flags: \(JournalRecord.hashFlag) a state hash follows the time, "
          + "\(JournalRecord.elsewhereFlag) the command is in the tree of payloads;",
        [JournalRecord.hashFlag]
      ),
      ("varint", "time", [0xAC, 2]), ("u64", "state hash", littleEndianBytes(0x0102)),
      ("u8", "length of the name", [3]), ("1 to 255 bytes", "name", Array("raw".utf8)),
      ("varint", "version", [0xC8, 1]), ("the rest", "the command", [9, 8]),
    ]
    #expect(rows.map { $0[0] } == fields.map(\.type))
    for (row, field) in zip(rows, fields) {
      #expect(row[1].hasPrefix(field.text), "\(row)")
    }
    entry += [9, 8]
    #expect(entry == fields.flatMap(\.bytes))
    let record = try JournalRecord(number: 1, entry[...])
    #expect(record.time == 300 && record.hash == 0x0102 && record.text == "raw")
    #expect(record.version == 200 && Array(record.payload) == [9, 8] && !record.isElsewhere)
    let words = try document.words(of: "Journal of commands")
    #expect(words.contains("would have more than \(JournalRecord.maximumBytes) bytes"))
  }

  @Test
  func `an entry without name or version, or with more than it says, is damaged`() throws {
    let version = [UInt8](repeating: 0x80, count: 9)
    let damaged: [[UInt8]] = [
      [1, 0, 0, 0, 1], [1, 0, 0, 1, 0xFF, 1], [1, 0, 0, 2, 0xC3, 0x28, 1], [1, 0, 0, 1, 0x78, 0],
      [1, 0, 0, 1, 0x78] + version + [1], [1, 2, 0, 1, 0x78, 1, 9],
    ]
    for bytes in damaged {
      #expect("\(bytes)") {
        _ = try JournalRecord(number: 1, bytes[...]).validText()
      } throws: { error in
        guard case PrevalenceError.damagedEntry(1, _) = error else { return false }
        return true
      }
    }
    #expect(try JournalRecord(number: 1, [1, 2, 0, 1, 0x78, 1][...]).isElsewhere)
    let last: [UInt8] = [1, 0, 0, 1, 0x78] + [UInt8](repeating: 0xFF, count: 8) + [0x7F]
    #expect(try JournalRecord(number: 1, last[...]).version == .max)
  }

  @Test
  func `an entry of a later format and one with other flags are refused`() {
    let rest: [UInt8] = [0, 1, 0x78, 1]
    #expect(throws: PrevalenceError.unsupportedFormat(found: 2, supported: 1)) {
      try JournalRecord(number: 1, ([2, 0] + rest)[...])
    }
    for start in [[0, 0], [1, 4]] as [[UInt8]] {
      #expect {
        try JournalRecord(number: 1, (start + rest)[...])
      } throws: { error in
        guard case PrevalenceError.damagedEntry(1, _) = error else { return false }
        return true
      }
    }
  }

  @Test
  func `random numbers are those that are described`() throws {
    let words = try document.words(of: "Time and random numbers")
    let factors = try constants(
      "9e3779b97f4a7c15", "bf58476d1ce4e5b9", "94d049bb133111eb", in: words)
    var state: UInt64 = 7
    func next() -> UInt64 {
      state &+= factors[0]
      let middle = (state ^ (state >> 30)) &* factors[1]
      let last = (middle ^ (middle >> 27)) &* factors[2]
      return last ^ (last >> 31)
    }
    state = next() ^ 9
    state = next()
    var random = CommandRandom(seed: 7, number: 9)
    #expect((0..<3).map { _ in random.next() } == (0..<3).map { _ in next() })
  }

  @Test
  func `state hashes are those that are described`() throws {
    let words = try document.words(of: "State hashes")
    let numbers = try constants(
      "cbf29ce484222325", "100000001b3", "bf58476d1ce4e5b9", in: words)
    let bytes = try canonical(["b": 1, "a": 2])
    let hash = bytes.reduce(numbers[0]) { ($0 ^ UInt64($1)) &* numbers[1] }
    let mixed = (hash ^ (hash >> 30)) &* numbers[2]
    #expect(try StateHash.hash(of: ["a": 2, "b": 1]) == mixed ^ (mixed >> 31))
  }

  /// Numbers that the document names, in base 16.
  private func constants(_ texts: String..., in words: String) throws -> [UInt64] {
    try texts.map { text in
      #expect(words.contains(text))
      return try #require(UInt64(text, radix: 16))
    }
  }

  // MARK: Limits

  @Test
  func `the limits are those of the table`() throws {
    let depth = BinaryCodec<Int>().depthLimit
    let expected: [(text: String, limit: UInt64)] = [
      ("bytes of a map's name", UInt64(MapCatalog.longestName)),
      ("bytes of the name of a type", UInt64(MapCatalog.longestType)),
      ("bytes of a key", UInt64(StoredForm.longestKey)),
      ("bytes of a value", UInt64(StoredForm.longestValue)),
      ("bytes of a key that is in one piece", UInt64(StoredForm.longestPlainKey)),
      ("bytes of a value that is in one piece", UInt64(StoredForm.longestPiece)),
      ("number of the parts", PartNumbers.limit - 1),
      ("bytes of a system's name", largest(below: 1 << 10, Self.isSystemName)),
      ("bytes of a command's name", largest(below: 1 << 10, Self.isCommandName)),
      ("version of a command", largest(below: 1 << 40, Self.isVersion)),
      ("bytes of an entry of the journal", UInt64(JournalRecord.maximumBytes)),
      ("bytes of a chunk", UInt64(ImageHeader.chunkBytes)),
      ("depth of a value", UInt64(depth)),
    ]
    let rows = try document.table("Limit of memory", in: "Limits of durable memory")
    #expect(rows.count == expected.count)
    for (row, (text, limit)) in zip(rows, expected) {
      #expect(row[0].hasPrefix(text))
      #expect(row[1] == "\(limit)", "\(text)")
    }
    for isAccepted in [Self.isSystemName, Self.isCommandName, Self.isVersion] {
      #expect(!isAccepted(0))
    }
    for name in ["a/b", "/", "a/\u{301}b"] {
      #expect(throws: PrevalenceError.self) { try PrevalentTrees.check(name) }
    }
  }

  /// The largest number that is accepted, where all from 1 up to it are.
  private func largest(below end: Int, _ isAccepted: (Int) -> Bool) -> UInt64 {
    var (low, high) = (1, end)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if isAccepted(middle) { low = middle } else { high = middle }
    }
    return UInt64(low)
  }

  private static func isSystemName(_ length: Int) -> Bool {
    (try? PrevalentTrees.check(String(repeating: "s", count: length))) != nil
  }

  private static func isCommandName(_ length: Int) -> Bool {
    isForm(String(repeating: "c", count: length), 1)
  }

  private static func isVersion(_ version: Int) -> Bool { isForm("c", version) }

  private static func isForm(_ name: String, _ version: Int) -> Bool {
    var registry = CommandRegistry<Bank>()
    registry.upgrade(name, version: version, from: Note.self) { (old: Note) -> Note in old }
    return registry.mistakes.isEmpty
  }
}

private struct TwoFields: Codable {
  var b: UInt8?
  var a: UInt8?

  init(a: UInt8?, b: UInt8?) { (self.a, self.b) = (a, b) }
}

private enum RawCase: UInt8, Codable {
  case second = 2
}

private enum AnyCase: Codable {
  case empty
  case full(UInt8)
}

private struct Nothing: Codable {}
