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

  /// How many lines end between `start` and `end`.
  func lineCount(upTo end: Int) -> UInt64 {
    let bytes = bytes.span
    var count: UInt64 = 0
    for index in start..<end where bytes[index] == TextByte.newline { count += 1 }
    return count
  }

  /// Is done with the bytes before `end`.
  @inline(__always)
  mutating func consume(upTo end: Int) {
    consumed += UInt64(end - start)
    start = end
  }
}
