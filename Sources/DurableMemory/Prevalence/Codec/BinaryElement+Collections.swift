// SPDX-License-Identifier: Apache-2.0

extension Array: BinaryElement where Element: Codable {
  func write(to writer: BinaryWriter) throws {
    // An empty array could be cast to one of anything.
    if Element.self == UInt8.self, let bytes = self as? [UInt8] {
      writer.tag(.bytes)
      writer.varint(UInt64(bytes.count))
      return writer.raw(contentsOf: bytes)
    }
    try writer.container(.list) {
      for element in self { try writer.write(element) }
    }
  }

  static func read(from cursor: inout BinaryCursor) throws -> [Element] {
    if Element.self == UInt8.self, try cursor.peek() == .bytes {
      _ = try cursor.readTag()
      guard let bytes = Array<UInt8>(try cursor.readBytes()) as? [Element] else {
        throw cursor.malformed("bytes should be here")
      }
      return bytes
    }
    var inside = try cursor.readContainer(.list)
    var elements: [Element] = []
    while !inside.isAtEnd { elements.append(try inside.read(Element.self)) }
    return elements
  }
}

extension Set: BinaryElement where Element: Codable {
  func write(to writer: BinaryWriter) throws {
    try writer.container(.list) {
      if writer.isCanonical {
        for bytes in try map({ try writer.separately($0) }).sorted(by: lessThan) {
          writer.raw(contentsOf: bytes)
        }
      } else {
        for element in self { try writer.write(element) }
      }
    }
  }

  static func read(from cursor: inout BinaryCursor) throws -> Set<Element> {
    var inside = try cursor.readContainer(.list)
    var elements: Set<Element> = []
    while !inside.isAtEnd {
      guard elements.insert(try inside.read(Element.self)).inserted else {
        throw inside.malformed("an element comes twice")
      }
    }
    return elements
  }
}

extension Dictionary: BinaryElement where Key: Codable, Value: Codable {
  func write(to writer: BinaryWriter) throws {
    try writer.container(.map) {
      if writer.isCanonical {
        let entries = try map { (try writer.separately($0.key), $0.value) }
        for (key, value) in entries.sorted(by: { lessThan($0.0, $1.0) }) {
          writer.raw(contentsOf: key)
          try writer.write(value)
        }
      } else {
        for (key, value) in self {
          try writer.write(key)
          try writer.write(value)
        }
      }
    }
  }

  static func read(from cursor: inout BinaryCursor) throws -> [Key: Value] {
    // A dictionary that wrote itself.
    if try cursor.peek() != .map { return try cursor.readComposite(Self.self) }
    var inside = try cursor.readContainer(.map)
    var entries: [Key: Value] = [:]
    while !inside.isAtEnd {
      let key = try inside.read(Key.self)
      guard entries.updateValue(try inside.read(Value.self), forKey: key) == nil else {
        throw inside.malformed("a key comes twice")
      }
    }
    return entries
  }
}

extension BinaryWriter {
  /// The bytes that a value alone would have.
  func separately(_ value: some Encodable) throws -> [UInt8] {
    let writer = BinaryWriter([], isCanonical: isCanonical, depthLimit: depthLimit, depth: depth)
    try writer.write(value)
    if let failure = writer.failure { throw failure }
    return writer.takeBytes()
  }
}

/// The order of bytes.
private func lessThan(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.lexicographicallyPrecedes(right)
}
