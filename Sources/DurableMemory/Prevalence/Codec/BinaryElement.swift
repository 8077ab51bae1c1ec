// SPDX-License-Identifier: Apache-2.0

/// A type with a short form of its own, without a container around it.
protocol BinaryElement {
  func write(to writer: BinaryWriter) throws
  static func read(from cursor: inout BinaryCursor) throws -> Self
}

extension Bool: BinaryElement {
  func write(to writer: BinaryWriter) { writer.tag(self ? .yes : .no) }

  static func read(from cursor: inout BinaryCursor) throws -> Bool {
    switch try cursor.readTag() {
    case .yes: true
    case .no: false
    default: throw cursor.malformed("a truth value should be here")
    }
  }
}

extension FixedWidthInteger {
  func writeInteger(to writer: BinaryWriter) {
    if Self.bitWidth > 64 {
      writer.tag(Self.isSigned ? .signed128 : .unsigned128)
      writer.raw(self)
    } else if Self.isSigned {
      let word = Int64(truncatingIfNeeded: self)
      writer.tag(.signed)
      writer.varint(UInt64(bitPattern: word << 1 ^ word >> 63))
    } else {
      writer.tag(.unsigned)
      writer.varint(UInt64(truncatingIfNeeded: self))
    }
  }

  static func readInteger(from cursor: inout BinaryCursor) throws -> Self {
    let value: Self?
    switch try cursor.readTag() {
    case .signed:
      let word = try cursor.readVarint()
      value = Self(exactly: Int64(bitPattern: word >> 1) ^ -Int64(bitPattern: word & 1))
    case .unsigned: value = Self(exactly: try cursor.readVarint())
    case .signed128: value = Self(exactly: try cursor.readWord(Int128.self))
    case .unsigned128: value = Self(exactly: try cursor.readWord(UInt128.self))
    default: value = nil
    }
    guard let value else { throw cursor.malformed("a \(Self.self) should be here") }
    return value
  }
}

extension BinaryElement where Self: FixedWidthInteger {
  func write(to writer: BinaryWriter) { writeInteger(to: writer) }

  static func read(from cursor: inout BinaryCursor) throws -> Self {
    try readInteger(from: &cursor)
  }
}

extension Int: BinaryElement {}
extension Int8: BinaryElement {}
extension Int16: BinaryElement {}
extension Int32: BinaryElement {}
extension Int64: BinaryElement {}
extension Int128: BinaryElement {}
extension UInt: BinaryElement {}
extension UInt8: BinaryElement {}
extension UInt16: BinaryElement {}
extension UInt32: BinaryElement {}
extension UInt64: BinaryElement {}
extension UInt128: BinaryElement {}

extension Float: BinaryElement {
  func write(to writer: BinaryWriter) {
    writer.tag(.float)
    writer.raw(bitPattern)
  }

  static func read(from cursor: inout BinaryCursor) throws -> Float {
    guard try cursor.readTag() == .float else { throw cursor.malformed("a Float should be here") }
    return Float(bitPattern: try cursor.readWord(UInt32.self))
  }
}

extension Double: BinaryElement {
  func write(to writer: BinaryWriter) {
    writer.tag(.double)
    writer.raw(bitPattern)
  }

  static func read(from cursor: inout BinaryCursor) throws -> Double {
    guard try cursor.readTag() == .double else { throw cursor.malformed("a Double should be here") }
    return Double(bitPattern: try cursor.readWord(UInt64.self))
  }
}

extension String: BinaryElement {
  func write(to writer: BinaryWriter) {
    writer.tag(.string)
    writer.text(self)
  }

  static func read(from cursor: inout BinaryCursor) throws -> String {
    guard try cursor.readTag() == .string else { throw cursor.malformed("a text should be here") }
    return try cursor.readText()
  }
}
