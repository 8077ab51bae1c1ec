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
    let inner = try parseMembers(bytes, into: &output)
    leave()
    try sortMembers(from: firstMember, begin: begin, in: &output)
    let count = members.count - firstMember
    let nameEnd = count == 1 ? members[firstMember].nameEnd : head
    members.removeSubrange(firstMember...)
    let object = Object(begin: begin, head: head, count: count, nameEnd: nameEnd)
    if !literal, try unwrap(object, inner, &output) { return object }
    guard depth < Self.depthLimit else {
      throw JSONFault(problem: .tooDeep(limit: Self.depthLimit), offset: begin)
    }
    deepest = max(deepest, depth + 1)
    output.setHead(at: head, ItemType.map, count: count)
    return object
  }

  /// Parses the members up to the closing brace.
  ///
  /// - Returns: The object inside, if all there is is the member `$map` with an object.
  private mutating func parseMembers(
    _ bytes: Span<UInt8>, into output: inout [UInt8]
  ) throws(JSONFault) -> Object? {
    var inner: Object?
    var innerDepth = 0
    guard try skipSpace(bytes) != UInt8(ascii: "}") else { return nil }
    let first = members.count
    while true {
      let start = output.count
      try parseName(bytes, into: &output)
      let nameEnd = output.count
      if members.count == first, JSONWrapper.isMap(output, start..<nameEnd),
        try skipSpace(bytes) == UInt8(ascii: "{")
      {
        (inner, innerDepth) = try parseLiteral(bytes, into: &output)
      } else {
        try parseValue(bytes, into: &output)
      }
      members.append(Member(start: start, nameEnd: nameEnd, end: output.count))
      let next = try skipSpace(bytes)
      if next == UInt8(ascii: "}") { return inner }
      guard next == UInt8(ascii: ",") else { throw unexpected(next, "',' or '}'") }
      offset += 1
      if let literal = inner {
        try becomeOrdinary(literal, innerDepth, &output)
        members[first].end = output.count
        inner = nil
      }
    }
  }

  /// Parses the object inside `{"$map": …}`, as deep as if the wrapper were not there.
  private mutating func parseLiteral(
    _ bytes: Span<UInt8>, into output: inout [UInt8]
  ) throws(JSONFault) -> (object: Object, deepest: Int) {
    let outer = deepest
    deepest = 0
    depth -= 1
    let object = try parseObject(bytes, into: &output, literal: true)
    depth += 1
    defer { deepest = max(outer, deepest) }
    return (object, deepest)
  }

  /// Treats an object that was taken literally like any other: `$map` had company.
  private mutating func becomeOrdinary(
    _ object: Object, _ innerDepth: Int, _ output: inout [UInt8]
  ) throws(JSONFault) {
    guard innerDepth < Self.depthLimit else {
      throw JSONFault(problem: .tooDeep(limit: Self.depthLimit), offset: object.begin)
    }
    deepest = max(deepest, innerDepth + 1)
    _ = try unwrap(object, nil, &output)
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
