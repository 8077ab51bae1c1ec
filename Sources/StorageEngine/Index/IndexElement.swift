// SPDX-License-Identifier: Apache-2.0

/// A type that indexes can have as keys and values.
///
/// Its bytes order like its values, and none is the beginning of another's, so that several can
/// stand one behind the other. FORMAT.md, section 1.10, has the table.
///
/// Values are one key where their bytes are the same, whatever `==` says: −0.0 and 0.0 of a `Double`
/// or `Float` are two keys, −0.0 the smaller. A moment is a `Double` of seconds since
/// 2001-01-01 00:00 UTC, so this concerns that one moment: computed as −0.0 it is not found under
/// 0.0, and lies before a range that begins there. Who computes keys adds 0.0 to them first.
public protocol IndexElement: Sendable {
  /// What is stored with an index of such elements.
  static var indexType: IndexType { get }

  /// Appends the bytes of the value.
  func encode(into bytes: inout [UInt8])

  /// Reads a value.
  ///
  /// - Throws: `.malformed` when the bytes are not those of one.
  init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed)
}

/// Reads elements one after the other.
public struct IndexDecoder: Sendable {
  /// Bytes that are no element of the type expected.
  public struct Malformed: Error {
    /// Where they stand.
    public let offset: Int
  }

  private let bytes: [UInt8]
  private(set) var offset: Int

  init(_ bytes: [UInt8], from offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  var isAtEnd: Bool { offset == bytes.count }

  /// Takes the next bytes.
  public mutating func take(_ count: Int) throws(Malformed) -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - offset else { throw Malformed(offset: offset) }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  /// Takes bytes of any number, which end with a mark.
  mutating func takeTerminated() throws(Malformed) -> [UInt8] {
    var taken: [UInt8] = []
    while true {
      let byte = try takeByte()
      guard byte == 0 else {
        taken.append(byte)
        continue
      }
      switch try takeByte() {
      case ElementMark.end: return taken
      case ElementMark.zero: taken.append(0)
      default: throw Malformed(offset: offset)
      }
    }
  }

  private mutating func takeByte() throws(Malformed) -> UInt8 {
    guard offset < bytes.count else { throw Malformed(offset: offset) }
    defer { offset += 1 }
    return bytes[offset]
  }

  /// The error for what was read last.
  public func malformed() -> Malformed { Malformed(offset: offset) }
}

/// What follows a zero byte in bytes of any number: the end, or the zero itself.
///
/// The end comes first, so that a text orders before those it begins.
enum ElementMark {
  static let end: UInt8 = 1
  static let zero: UInt8 = 255
}

extension [UInt8] {
  /// Appends bytes of any number, with a mark for their end.
  mutating func appendTerminated(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      append(byte)
      if byte == 0 { append(ElementMark.zero) }
    }
    append(0)
    append(ElementMark.end)
  }

  /// Appends an integer, most significant byte first.
  mutating func appendBigEndian<T: FixedWidthInteger>(_ value: T) {
    var value = value.bigEndian
    unsafe Swift.withUnsafeBytes(of: &value) { unsafe append(contentsOf: $0) }
  }
}

extension IndexDecoder {
  /// Takes an integer, most significant byte first.
  mutating func takeBigEndian<T: FixedWidthInteger>(
    _ type: T.Type = T.self
  ) throws(Malformed) -> T {
    try take(T.bitWidth / 8).reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
  }
}
