// SPDX-License-Identifier: Apache-2.0

/// What names the head of an entry whose key is too long to be one of the tree.
struct LongKeyName: BitwiseCopyable, Hashable {
  static let byteCount = 17
  /// Where the key is not long.
  static let none = LongKeyName(high: 0, low: 0)

  let high: UInt64
  let low: UInt64

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads a key of the tree.
  init?(storedKey key: Span<UInt8>) {
    guard key.count == Self.byteCount, key[0] == StoredForm.Mark.long else { return nil }
    high = key.load(bigEndian: UInt64.self, at: 1)
    low = key.load(bigEndian: UInt64.self, at: 9)
  }

  /// The key of the tree.
  var storedKey: [UInt8] {
    [StoredForm.Mark.long] + bigEndianBytes(high) + bigEndianBytes(low)
  }
}

/// The bytes of a number, the most significant first.
func bigEndianBytes(_ number: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
}

/// The head of an entry in parts, as its value in the tree: flags, the time it expires, the number
/// of the parts, and how many bytes of key and value are in them.
struct PartsHead {
  var flags: StoredFlags
  var expiry: [UInt8]
  var number: UInt64
  var keyCount: Int
  var valueCount: Int

  /// The bytes of the head's value.
  var stored: [UInt8] {
    [flags.rawValue] + expiry + bigEndianBytes(number) + bigEndianBytes(UInt64(keyCount))
      + bigEndianBytes(UInt64(valueCount))
  }

  init(flags: StoredFlags, expiry: [UInt8], number: UInt64, keyCount: Int, valueCount: Int) {
    self.flags = flags
    self.expiry = expiry
    self.number = number
    self.keyCount = keyCount
    self.valueCount = valueCount
  }

  /// Reads the value of a head; `nil` for what is none.
  init?(stored value: Span<UInt8>) {
    guard let flags = StoredFlags(of: value) else { return nil }
    self.flags = flags
    let start = flags.prefixBytes
    guard flags.contains(.inParts), value.count == start + 24 else { return nil }
    expiry = value.extracting(1..<start).array
    number = value.load(bigEndian: UInt64.self, at: start)
    let counts = [8, 16].map { value.load(bigEndian: UInt64.self, at: start + $0) }
    guard counts[0] <= UInt64(StoredForm.longestKey), counts[1] <= UInt64(StoredForm.longestValue)
    else { return nil }
    keyCount = Int(counts[0])
    valueCount = Int(counts[1])
  }

  var byteCount: Int { keyCount + valueCount }

  /// Whether it can be the head of an entry with that key: only long keys are in parts.
  func isOf(_ key: Span<UInt8>) -> Bool {
    guard key.count > 0, key[0] == StoredForm.Mark.long else { return keyCount == 0 }
    return key.count == LongKeyName.byteCount && keyCount > StoredForm.longestPlainKey
  }

  /// How many parts hold so many bytes.
  static func partCount(_ bytes: Int) -> Int {
    (bytes + StoredForm.longestPiece - 1) / StoredForm.longestPiece
  }

  /// The key of a part in the tree.
  static func partKey(_ number: UInt64, _ index: Int) -> [UInt8] {
    [StoredForm.Mark.part] + bigEndianBytes(number) + bigEndianBytes(UInt64(index)).suffix(4)
  }

  /// How many bytes a part has: all but the last are as long as parts can be.
  func byteCount(ofPart index: Int) -> Int {
    min(StoredForm.longestPiece, byteCount - index * StoredForm.longestPiece)
  }

  /// The number in the key of a part; `nil` for what is none.
  static func number(partKey key: Span<UInt8>) -> UInt64? {
    key.count == 13 ? key.load(bigEndian: UInt64.self, at: 1) : nil
  }

  /// Which of the parts with its number one is, by its key.
  static func index(partKey key: Span<UInt8>) -> Int {
    Int(key.load(bigEndian: UInt32.self, at: 9))
  }
}

/// An entry whose parts are all there: key and value as they are in memory.
struct WholeEntry {
  let key: [UInt8]
  let value: [UInt8]
  let name: PartsName
}

/// Heads and parts on the way from the tree into memory.
///
/// Guarded by the lock of the map.
struct PartsAssembly {
  private struct Head {
    let key: [UInt8]
    let head: PartsHead
  }

  private var heads: [UInt64: Head] = [:]
  private var numbers: [[UInt8]: UInt64] = [:]
  private var parts: [UInt64: [UInt8]] = [:]

  var isEmpty: Bool { heads.isEmpty && parts.isEmpty }

  /// Whether heads lack bytes of their parts.
  var lacksParts: Bool { !heads.isEmpty }

  /// Whether a part belongs to a head.
  func isExpected(_ number: UInt64) -> Bool { heads[number] != nil }

  /// Takes a head, in place of an earlier one with the same key; false when it is none.
  @discardableResult
  mutating func addHead(_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
    guard let head = PartsHead(stored: value), head.isOf(key) else { return false }
    dropHead(key)
    let key = key.array
    numbers[key] = head.number
    heads[head.number] = Head(key: key, head: head)
    return true
  }

  /// Forgets the head of a key that was given another value.
  mutating func dropHead(_ key: Span<UInt8>) {
    guard !heads.isEmpty, let number = numbers.removeValue(forKey: key.array) else { return }
    heads[number] = nil
  }

  /// Takes a part; those of one number come in order.
  ///
  /// False, and left out, when it is none, is not the next one, or follows one that is shorter than
  /// those before the last are.
  @discardableResult
  mutating func addPart(_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
    guard let number = PartsHead.number(partKey: key) else { return false }
    let before = parts[number]?.count ?? 0
    guard before == PartsHead.index(partKey: key) * StoredForm.longestPiece,
      value.count <= StoredForm.longestPiece
    else { return false }
    parts[number, default: []] += value.array
    return true
  }

  /// Takes out the entries that are complete, and forgets parts that no head waits for.
  mutating func takeWhole() -> [WholeEntry] {
    var whole: [WholeEntry] = []
    for number in Array(heads.keys) {
      if let entry = take(number) { whole.append(entry) }
    }
    parts = parts.filter { heads[$0.key] != nil }
    return whole
  }

  /// Takes out an entry if it is complete.
  mutating func take(_ number: UInt64) -> WholeEntry? {
    guard let head = heads[number],
      let bytes = parts[number] ?? (head.head.byteCount == 0 ? [] : nil),
      bytes.count == head.head.byteCount
    else { return nil }
    heads[number] = nil
    numbers[head.key] = nil
    parts[number] = nil
    let isLong = head.key.first == StoredForm.Mark.long
    let longName = isLong ? LongKeyName(storedKey: head.key.span) : nil
    let key = isLong ? [StoredForm.Mark.long] + bytes.prefix(head.head.keyCount) : head.key
    let value =
      [head.head.flags.rawValue] + head.head.expiry + bytes.dropFirst(head.head.keyCount)
    return WholeEntry(
      key: key, value: value,
      name: PartsName(number: number, longKey: longName ?? .none))
  }
}
