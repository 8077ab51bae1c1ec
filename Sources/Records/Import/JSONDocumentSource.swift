// SPDX-License-Identifier: Apache-2.0

/// Reads the objects of an array in a JSON document, one by one: the document may be longer than
/// memory, none of its elements may.
struct JSONDocumentSource: RecordSource {
  private enum Place {
    /// Before the first byte.
    case start
    /// Inside the array; whether an element was read.
    case array(isBegun: Bool)
    /// Behind the document.
    case end
  }

  private var window: InputWindow
  private let members: RecordMembers
  private let path: [[UInt8]]
  private var place = Place.start
  /// The names seen in each of the objects on the path, to find one that is repeated.
  private var seen: [Set<[UInt8]>] = []
  /// Members that objects on the path may have.
  private static let memberLimit = 1 << 20

  init(_ window: InputWindow, _ members: RecordMembers, path: [String]) {
    self.window = window
    self.members = members
    self.path = path.map { Array($0.utf8) }
  }

  var consumed: UInt64 { window.consumed }

  mutating func fill(_ batch: inout RecordBatch, upTo count: Int) throws -> Bool {
    if case .start = place { try enterArray() }
    while batch.entries.count < count, !batch.isFull {
      guard case .array(let isBegun) = place else { return false }
      guard try nextElement(isFirst: !isBegun) else {
        try leaveDocument()
        return false
      }
      place = .array(isBegun: true)
      try appendElement(to: &batch)
    }
    return true
  }

  /// Reads with `body`, which is repeated from the same place when the text ends too early and
  /// there is more of it.
  ///
  /// With `lookingBehind` it is repeated also when there is more of the text behind what was read:
  /// a number might go on there.
  private mutating func attempt<R>(
    lookingBehind: Bool = false,
    _ body: (inout JSONParser, Span<UInt8>) throws(RecordFault) -> R
  ) throws -> R {
    while true {
      var parser = JSONParser(at: window.start)
      do throws(RecordFault) {
        let result = try body(&parser, window.bytes.span)
        if !lookingBehind || parser.offset < window.bytes.count || window.isAtEnd {
          window.pass(upTo: parser.offset)
          return result
        }
      } catch {
        guard case .json(let fault) = error, fault.problem == .unexpectedEnd, !window.isAtEnd
        else {
          throw error.located(
            in: window.bytes.span, from: window.start, line: window.line, column: window.column)
        }
      }
      try window.fill()
    }
  }

  private mutating func appendElement(to batch: inout RecordBatch) throws {
    // The white space before it is passed over first, so that it has its own line.
    try attempt { (parser, bytes) throws(RecordFault) in
      try parser.jsonFaults { (parser) throws(JSONFault) in _ = try parser.skipSpace(bytes) }
    }
    let members = members
    let line = window.line
    try attempt { (parser, bytes) throws(RecordFault) in
      try batch.appendObject(bytes, &parser, members: members, line: line)
    }
  }

  /// Passes over the opening bracket of the array at the end of the path.
  private mutating func enterArray() throws {
    for name in path {
      try punctuation(UInt8(ascii: "{"), "'{' of an object on the path")
      seen.append([])
      try findMember(name)
    }
    try punctuation(UInt8(ascii: "["), "'[' of the array of records")
    place = .array(isBegun: false)
  }

  /// Passes over members up to the one named, and over its name.
  private mutating func findMember(_ wanted: [UInt8]) throws {
    var isFirst = true
    while true {
      guard let name = try memberName(isFirst: isFirst) else {
        throw ImportError(
          problem: .pathNotFound(String(decoding: wanted, as: UTF8.self)), line: window.line)
      }
      if name == wanted { return }
      try passValue()
      isFirst = false
    }
  }

  /// Reads a name and the colon behind it; `nil` at the end of the object.
  private mutating func memberName(isFirst: Bool) throws -> [UInt8]? {
    let name = try attempt { (parser, bytes) throws(RecordFault) -> [UInt8]? in
      try parser.jsonFaults { (parser) throws(JSONFault) -> [UInt8]? in
        guard
          try parser.nextInList(bytes, isFirst: isFirst, close: UInt8(ascii: "}"), "',' or '}'")
        else { return nil }
        var output: [UInt8] = []
        try parser.parseName(bytes, into: &output)
        return Array(output[ItemText.range(of: output, 0..<output.count)])
      }
    }
    guard let name, let last = seen.indices.last else { return name }
    guard seen[last].count < Self.memberLimit, seen[last].insert(name).inserted else {
      throw JSONError(
        problem: .duplicateMember(String(decoding: name, as: UTF8.self)),
        line: Int(clamping: window.line), column: window.column)
    }
    return name
  }

  private mutating func passValue() throws {
    var scratch: [UInt8] = []
    try attempt(lookingBehind: true) { (parser, bytes) throws(RecordFault) in
      scratch.removeAll(keepingCapacity: true)
      try parser.jsonFaults { (parser) throws(JSONFault) in
        try parser.parseValue(bytes, into: &scratch)
      }
    }
  }

  private mutating func punctuation(_ byte: UInt8, _ expected: StaticString) throws {
    try attempt { (parser, bytes) throws(RecordFault) in
      try parser.jsonFaults { (parser) throws(JSONFault) in
        try parser.expect(byte, expected, bytes)
      }
    }
  }

  /// Passes over the comma before an element; returns false at the end of the array.
  private mutating func nextElement(isFirst: Bool) throws -> Bool {
    try attempt { (parser, bytes) throws(RecordFault) in
      try parser.jsonFaults { (parser) throws(JSONFault) in
        try parser.nextInList(bytes, isFirst: isFirst, close: UInt8(ascii: "]"), "',' or ']'")
      }
    }
  }

  /// Reads what is left of the document behind the array.
  private mutating func leaveDocument() throws {
    while !seen.isEmpty {
      while try memberName(isFirst: false) != nil { try passValue() }
      seen.removeLast()
    }
    while true {
      try attempt { (parser, bytes) throws(RecordFault) in
        try parser.jsonFaults { (parser) throws(JSONFault) in try parser.expectEnd(bytes) }
      }
      if window.isAtEnd { break }
      try window.fill()
    }
    place = .end
  }
}

extension JSONParser {
  /// Runs `body`, whose faults are those of a record.
  mutating func jsonFaults<R>(
    _ body: (inout JSONParser) throws(JSONFault) -> R
  ) throws(RecordFault) -> R {
    do {
      return try body(&self)
    } catch {
      throw .json(error)
    }
  }

  /// Passes over the comma before an element that is not the first; returns false, behind it, at
  /// the closing byte.
  mutating func nextInList(
    _ bytes: Span<UInt8>, isFirst: Bool, close: UInt8, _ expected: String
  ) throws(JSONFault) -> Bool {
    let next = try skipSpace(bytes)
    if next == close {
      offset += 1
      return false
    }
    if isFirst { return true }
    guard next == UInt8(ascii: ",") else { throw unexpected(next, expected) }
    offset += 1
    return true
  }

  /// Passes over white space, behind which nothing may follow.
  mutating func expectEnd(_ bytes: Span<UInt8>) throws(JSONFault) {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x0a, 0x0d, 0x09: offset += 1
      default: throw fault(.trailingContent)
      }
    }
  }
}
