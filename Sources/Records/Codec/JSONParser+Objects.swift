// SPDX-License-Identifier: Apache-2.0

extension JSONParser {
  /// An object as it lies at the end of the output.
  struct Object {
    /// Where it begins in the text.
    let begin: Int
    /// Where its head is in the output.
    let head: Int
    /// How many members it has.
    let count: Int
    /// Where the name of its only member ends.
    let nameEnd: Int
  }

  /// Parses an object, whose brace is the next byte.
  ///
  /// A `literal` one becomes a map even if it looks like a wrapper.
  mutating func parseObject(
    _ bytes: Span<UInt8>, into output: inout [UInt8], literal: Bool = false
  ) throws(JSONFault) -> Object {
    // A wrapper may stand one level deeper; whether it is one shows at its end.
    guard depth <= Self.depthLimit else { throw fault(.tooDeep(limit: Self.depthLimit)) }
    let begin = offset
    let firstMember = members.count
    let head = output.count
    depth += 1
    offset += 1
    output.append(0)
    let isMap = try parseMembers(bytes, into: &output, literal: literal)
    leave()
    try sortMembers(from: firstMember, begin: begin, in: &output)
    let count = members.count - firstMember
    let nameEnd = count == 1 ? members[firstMember].nameEnd : head
    members.removeSubrange(firstMember...)
    let object = Object(begin: begin, head: head, count: count, nameEnd: nameEnd)
    if !literal, try unwrap(object, isMap: isMap, &output) { return object }
    guard depth < Self.depthLimit else {
      throw JSONFault(problem: .tooDeep(limit: Self.depthLimit), offset: begin)
    }
    output.setHead(at: head, ItemType.map, count: count)
    return object
  }

  /// Parses the members up to the closing brace.
  ///
  /// - Returns: Whether all there is is the member `$map` with an object, which was taken
  ///   literally. Inside a literal object `$map` is a name like any other.
  private mutating func parseMembers(
    _ bytes: Span<UInt8>, into output: inout [UInt8], literal: Bool
  ) throws(JSONFault) -> Bool {
    var isWrapper = false
    guard try skipSpace(bytes) != UInt8(ascii: "}") else { return false }
    let first = members.count
    while true {
      let start = output.count
      try parseName(bytes, into: &output)
      let nameEnd = output.count
      if !literal, members.count == first, JSONWrapper.isMap(output, start..<nameEnd),
        try isOnlyObject(bytes)
      {
        isWrapper = true
        // As deep as if the wrapper were not there.
        depth -= 1
        _ = try parseObject(bytes, into: &output, literal: true)
        depth += 1
      } else {
        try parseValue(bytes, into: &output)
      }
      members.append(Member(start: start, nameEnd: nameEnd, end: output.count))
      let next = try skipSpace(bytes)
      if next == UInt8(ascii: "}") { return isWrapper }
      guard next == UInt8(ascii: ",") else { throw unexpected(next, "',' or '}'") }
      offset += 1
    }
  }

  /// Looks ahead whether the next value is an object behind which the present one ends.
  ///
  /// Only brackets and strings are looked at: what is wrong otherwise shows when it is parsed. The
  /// text is passed over once a level at most, so never more than `depthLimit` times.
  private mutating func isOnlyObject(_ bytes: Span<UInt8>) throws(JSONFault) -> Bool {
    guard try skipSpace(bytes) == UInt8(ascii: "{") else { return false }
    let start = offset
    defer { offset = start }
    var open = 0
    while offset < bytes.count {
      switch bytes[offset] {
      case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): open -= 1
      case UInt8(ascii: "\""): passString(bytes)
      default: break
      }
      offset += 1
      if open == 0 { return try skipSpace(bytes) == UInt8(ascii: "}") }
    }
    throw fault(.unexpectedEnd)
  }

  /// Moves from the opening quote of a string to the closing one, or to the end of the text.
  private mutating func passString(_ bytes: Span<UInt8>) {
    offset += 1
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "\"") {
      offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1
    }
  }

  /// Parses a member's name and the colon after it; appends the name as text.
  @inline(__always)
  mutating func parseName(
    _ bytes: Span<UInt8>, into output: inout [UInt8]
  ) throws(JSONFault) {
    let quote = try skipSpace(bytes)
    guard quote == UInt8(ascii: "\"") else { throw unexpected(quote, "a member name") }
    try parseString(bytes, into: &output)
    try expect(UInt8(ascii: ":"), "':'", bytes)
  }

  /// Brings the members of the innermost object into canonical order.
  private mutating func sortMembers(
    from first: Int, begin: Int, in output: inout [UInt8]
  ) throws(JSONFault) {
    guard members.count - first > 1 else { return }
    let isSorted = (first + 1..<members.count).allSatisfy {
      compareNames(members[$0 - 1], members[$0], in: output) < 0
    }
    if isSorted { return }
    let original = members[first].start
    var ordered = Array(members[first...])
    ordered.sort { compareNames($0, $1, in: output) < 0 }
    var rebuilt: [UInt8] = []
    rebuilt.reserveCapacity(output.count - original)
    for index in ordered.indices {
      if index > 0, compareNames(ordered[index - 1], ordered[index], in: output) == 0 {
        let name = ItemText.decode(output, ordered[index].start..<ordered[index].nameEnd)
        throw JSONFault(problem: .duplicateMember(name), offset: begin)
      }
      rebuilt.append(contentsOf: output[ordered[index].start..<ordered[index].end])
    }
    output.replaceSubrange(original..., with: rebuilt)
  }

  private func compareNames(_ left: Member, _ right: Member, in output: [UInt8]) -> Int {
    output.span.compare(left.start..<left.nameEnd, right.start..<right.nameEnd)
  }
}
