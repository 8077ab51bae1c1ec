// SPDX-License-Identifier: Apache-2.0

extension CBORWriter {
  /// Writes a value.
  ///
  /// - Throws: `.notFinite`, or `.tooDeep` beyond `JournalLimits.valueDepth` levels.
  public mutating func write(_ value: Value) throws(CodingError) {
    try write(value, depth: 0)
  }

  private mutating func write(_ value: Value, depth: Int) throws(CodingError) {
    switch value {
    case .null: writeNull()
    case .bool(let bool): write(bool: bool)
    case .integer(let number): write(integer: number)
    case .unsigned(let number): write(unsigned: number)
    case .double(let number): try write(double: number)
    case .text(let text): write(text: text)
    case .bytes(let string): write(bytes: string)
    case .array(let values):
      try checkDepth(depth)
      write(arrayCount: values.count)
      for value in values { try write(value, depth: depth + 1) }
    case .map(let map):
      try checkDepth(depth)
      write(mapCount: map.entries.count)
      for entry in map.entries {
        write(text: entry.key)
        try write(entry.value, depth: depth + 1)
      }
    }
  }

  private func checkDepth(_ depth: Int) throws(CodingError) {
    guard depth < JournalLimits.valueDepth else {
      throw CodingError(offset: count, problem: .tooDeep(limit: JournalLimits.valueDepth))
    }
  }
}

extension CBORReader {
  /// Reads a value.
  public mutating func readValue() throws(CodingError) -> Value {
    try readValue(depth: 0)
  }

  private mutating func readValue(depth: Int) throws(CodingError) -> Value {
    guard let initial = nextInitialByte else { throw error(.unexpectedEnd) }
    switch CBOR.MajorType(rawValue: initial >> 5) {
    case .unsigned: return Value(try readUnsigned())
    case .negative: return .integer(try readInteger())
    case .bytes: return .bytes(try readBytes())
    case .text: return .text(try readText())
    case .array: return .array(try readArray(depth: depth))
    case .map: return .map(try readMap(depth: depth))
    default: return try readSimple(initial)
    }
  }

  private mutating func readSimple(_ initial: UInt8) throws(CodingError) -> Value {
    switch initial {
    case CBOR.null:
      skipByte()
      return .null
    case CBOR.true, CBOR.false: return .bool(try readBool())
    case CBOR.half, CBOR.single, CBOR.double: return .double(try readDouble())
    default: throw error(.unsupportedItem(initialByte: initial))
    }
  }

  private mutating func readArray(depth: Int) throws(CodingError) -> [Value] {
    guard depth < JournalLimits.valueDepth else {
      throw error(.tooDeep(limit: JournalLimits.valueDepth))
    }
    let count = try readArrayCount()
    var values: [Value] = []
    values.reserveCapacity(min(count, Self.trustedCapacity))
    for _ in 0..<count { values.append(try readValue(depth: depth + 1)) }
    return values
  }

  private mutating func readMap(depth: Int) throws(CodingError) -> ValueMap {
    guard depth < JournalLimits.valueDepth else {
      throw error(.tooDeep(limit: JournalLimits.valueDepth))
    }
    let count = try readMapCount()
    var entries: [ValueMap.Entry] = []
    entries.reserveCapacity(min(count, Self.trustedCapacity))
    for _ in 0..<count {
      let start = position
      let key = try readText()
      if let previous = entries.last?.key, !ValueMap.precedes(previous, key) {
        let isRepeated = ByteOrder.equal(previous, key)
        throw CodingError(
          offset: start, problem: isRepeated ? .duplicateKey(key) : .unordered("map keys"))
      }
      entries.append(ValueMap.Entry(key: key, value: try readValue(depth: depth + 1)))
    }
    return ValueMap(canonical: entries)
  }

  /// Entries that an array gets room for on the word of its count alone.
  private static var trustedCapacity: Int { 1024 }
}

extension Value {
  /// The deterministic encoding.
  ///
  /// - Throws: `.notFinite`, or `.tooDeep` beyond `JournalLimits.valueDepth` levels.
  public func encoded() throws(CodingError) -> [UInt8] {
    var writer = CBORWriter()
    try writer.write(self)
    return writer.take()
  }

  /// Reads exactly one value.
  ///
  /// - Throws: `CodingError` unless the bytes are the deterministic encoding of one value.
  public init(decoding bytes: [UInt8]) throws(CodingError) {
    var reader = CBORReader(bytes)
    self = try reader.readValue()
    try reader.finish()
  }
}
