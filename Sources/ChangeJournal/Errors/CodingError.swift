// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a canonical encoding, or why something cannot be encoded.
public struct CodingError: Error, Sendable, Hashable {
  /// Where in the bytes, counted from their beginning.
  public let offset: Int
  /// What is wrong there.
  public let problem: Problem

  /// Names a place and a problem.
  public init(offset: Int, problem: Problem) {
    self.offset = offset
    self.problem = problem
  }

  /// Everything that can be wrong.
  public enum Problem: Sendable, Hashable {
    /// The bytes end inside an item.
    case unexpectedEnd
    /// Bytes follow where the item has ended.
    case trailingBytes
    /// An item of another kind was expected.
    case unexpectedItem(expected: String, initialByte: UInt8)
    /// A number or float has a shorter encoding.
    case notShortest
    /// An item of indefinite length.
    case indefiniteLength
    /// A kind of item that the format does not use.
    case unsupportedItem(initialByte: UInt8)
    /// A whole number out of its range.
    case outOfRange(String)
    /// A text is not UTF-8.
    case invalidText
    /// A number is infinite or not a number.
    case notFinite
    /// Names or entries are not in ascending order.
    case unordered(String)
    /// A name occurs twice.
    case duplicateKey(String)
    /// Arrays and maps are nested too deeply.
    case tooDeep(limit: Int)
    /// Something has more bytes or entries than allowed.
    case tooLong(String, length: Int, limit: Int)
    /// A field with the name of a member that printed records have for something else.
    case reservedName(String)
    /// An operation of a kind that this program does not know.
    case unknownOperation(kind: UInt64)
    /// A transaction of a format that this program does not know.
    case unknownFormat(UInt64)
    /// Bytes do not have the digest that the header names for them.
    case digestMismatch(String)
    /// Something else that no writer produces.
    case malformed(String)
  }
}

extension CodingError: CustomStringConvertible {
  /// One sentence for people.
  public var description: String { "byte \(offset): \(problem)" }

  /// The same problem, further on in a larger piece of bytes.
  func shifted(by distance: Int) -> CodingError {
    CodingError(offset: offset + distance, problem: problem)
  }
}

extension CodingError.Problem: CustomStringConvertible {
  /// The problem in words.
  public var description: String {
    switch self {
    case .unexpectedEnd: "the bytes end too early"
    case .trailingBytes: "unexpected bytes follow"
    case .unexpectedItem(let expected, let byte):
      "expected \(expected), found an item that begins with 0x\(Hexadecimal.text([byte]))"
    case .notShortest: "a number is not in its shortest form"
    case .indefiniteLength: "an item has no definite length"
    case .unsupportedItem(let byte):
      "the format has no item that begins with 0x\(Hexadecimal.text([byte]))"
    case .outOfRange(let what): "\(what) is out of range"
    case .invalidText: "a text is not valid UTF-8"
    case .notFinite: "a number is infinite or not a number"
    case .unordered(let what): "\(what) are not in ascending order"
    case .duplicateKey(let key): "'\(key)' occurs twice"
    case .tooDeep(let limit): "nested more than \(limit) levels deep"
    case .tooLong(let what, let length, let limit): "\(what): \(length), at most \(limit) allowed"
    case .reservedName(let name): "'\(name)' cannot name a field"
    case .unknownOperation(let kind): "operation kind \(kind) is unknown to this version"
    case .unknownFormat(let number): "transaction format \(number) is unknown to this version"
    case .digestMismatch(let what): "\(what) differs from its digest"
    case .malformed(let what): "malformed \(what)"
    }
  }
}
