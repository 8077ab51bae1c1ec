// SPDX-License-Identifier: Apache-2.0

/// The part of an input that is in memory: a moving window that grows only for what is longer.
struct InputWindow {
  /// Bytes; those before `start` are done with.
  private(set) var bytes: [UInt8] = []
  /// The first byte that is not done with.
  private(set) var start = 0
  /// Whether the window reaches the end of the input.
  private(set) var isAtEnd = false
  /// The line of the byte at `start`, counted from 1.
  var line: UInt64 = 1
  /// The character in that line, counted from 1, where bytes are passed with `pass(upTo:)`.
  private(set) var column = 1
  /// Bytes of the input before `start`.
  private(set) var consumed: UInt64 = 0

  private let read: (Int) throws -> [UInt8]
  private let limit: Int
  private static let chunkBytes = 256 << 10
  private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

  /// Opens a window and passes over a byte order mark.
  init(_ read: @escaping (Int) throws -> [UInt8], limit: Int) throws {
    self.read = read
    self.limit = limit
    while bytes.count < Self.byteOrderMark.count, !isAtEnd { try fill() }
    if bytes.starts(with: Self.byteOrderMark) { consume(upTo: Self.byteOrderMark.count) }
  }

  /// Reads more of the input.
  ///
  /// The more is waiting the more is read at once, so that a long line is not looked at too often.
  ///
  /// - Throws: `ImportError` when more than the limit is waiting, and what the input throws.
  mutating func fill() throws {
    let waiting = bytes.count - start
    guard waiting <= limit else {
      throw ImportError(problem: .lineTooLong(limit: limit), line: line)
    }
    if start > 0 {
      bytes.removeFirst(start)
      start = 0
    }
    let more = try read(max(Self.chunkBytes, waiting))
    isAtEnd = more.isEmpty
    bytes += more
  }

  /// The first newline from `index` on, or the end of the window.
  func endOfLine(from index: Int) -> Int {
    let bytes = bytes.span
    var index = index
    while index < bytes.count, bytes[index] != TextByte.newline { index += 1 }
    return index
  }

  /// Is done with the bytes before `end`, and counts their lines and characters.
  mutating func pass(upTo end: Int) {
    let (lines, characters) = count(upTo: end)
    column = lines == 0 ? column + characters : characters + 1
    line += lines
    consume(upTo: end)
  }

  /// How many lines end between `start` and `end`, and the characters of the one that does not.
  private func count(upTo end: Int) -> (lines: UInt64, characters: Int) {
    let bytes = bytes.span
    var lines: UInt64 = 0
    var last = start
    for index in start..<end where bytes[index] == TextByte.newline {
      lines += 1
      last = index + 1
    }
    var characters = 0
    for index in last..<end where bytes[index] & 0xc0 != 0x80 { characters += 1 }
    return (lines, characters)
  }

  /// Is done with the bytes before `end`.
  @inline(__always)
  mutating func consume(upTo end: Int) {
    consumed += UInt64(end - start)
    start = end
  }
}
