// SPDX-License-Identifier: Apache-2.0

/// Text that is not the JSON this store accepts, with its place.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What can be wrong with JSON text.
  public enum Problem: Sendable, Equatable {
    /// The text ends inside a value.
    case unexpectedEnd
    /// A byte that cannot stand there, and what could.
    case unexpectedByte(UInt8, expected: String)
    /// A member appears twice in one object.
    case duplicateMember(String)
    /// Bytes that are not UTF-8.
    case invalidUTF8
    /// A control character inside a string, to be written as an escape.
    case controlCharacter(UInt8)
    /// A backslash followed by no escape of JSON.
    case invalidEscape
    /// One half of a surrogate pair without the other.
    case unpairedSurrogate
    /// A number beyond every finite double.
    case numberOutOfRange
    /// More than `limit` objects and arrays inside each other.
    case tooDeep(limit: Int)
    /// `{"$bytes": …}` or `{"$uuid": …}` without what belongs in it.
    case invalidWrapper(String)
    /// Something follows the value.
    case trailingContent
  }

  /// What is wrong.
  public let problem: Problem
  /// The line, counted from 1.
  public let line: Int
  /// The character in the line, counted from 1.
  public let column: Int

  /// Creates an error.
  public init(problem: Problem, line: Int, column: Int) {
    self.problem = problem
    self.line = line
    self.column = column
  }

  /// One sentence for people.
  public var description: String { "line \(line), column \(column): \(problem)" }
}

extension JSONError.Problem: CustomStringConvertible {
  /// A phrase for people.
  public var description: String {
    switch self {
    case .unexpectedEnd: "the text ends inside a value"
    case .unexpectedByte(let byte, let expected):
      "\(Self.name(of: byte)) where \(expected) was expected"
    case .duplicateMember(let name): "the member \"\(name)\" appears twice in one object"
    case .invalidUTF8: "the text is not UTF-8"
    case .controlCharacter(let byte):
      "control character \(byte) inside a string; write it as an escape"
    case .invalidEscape: "a backslash that begins no escape"
    case .unpairedSurrogate: "one half of a surrogate pair without the other"
    case .numberOutOfRange: "the number is too large for a double"
    case .tooDeep(let limit): "more than \(limit) objects and arrays inside each other"
    case .invalidWrapper(let what): what
    case .trailingContent: "something follows the value"
    }
  }

  private static func name(of byte: UInt8) -> String {
    byte > 0x20 && byte < 0x7f ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
  }
}

/// A problem at a byte offset, before line and column are counted.
struct JSONFault: Error, Equatable {
  let problem: JSONError.Problem
  let offset: Int

  /// The error, for text whose byte at `start` stands on line `firstLine` at `firstColumn`.
  func located(
    in bytes: Span<UInt8>, from start: Int = 0, firstLine: Int = 1, firstColumn: Int = 1
  ) -> JSONError {
    var line = firstLine
    var column = firstColumn
    var index = start
    while index < min(offset, bytes.count) {
      let byte = bytes[index]
      if byte == TextByte.newline {
        line += 1
        column = 1
      } else if byte & 0xc0 != 0x80 {
        column += 1
      }
      index += 1
    }
    return JSONError(problem: problem, line: line, column: column)
  }
}
