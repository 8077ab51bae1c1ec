// SPDX-License-Identifier: Apache-2.0

/// Reads one JSON object a line; empty lines are passed over.
struct JSONLinesSource: RecordSource {
  private var window: InputWindow
  private let members: RecordMembers

  init(_ window: InputWindow, _ members: RecordMembers) {
    self.window = window
    self.members = members
  }

  var consumed: UInt64 { window.consumed }

  mutating func fill(_ batch: inout RecordBatch, upTo count: Int) throws -> Bool {
    while batch.entries.count < count, !batch.isFull {
      guard let end = try endOfLine() else { return false }
      try appendLine(to: &batch, end: end)
      window.consume(upTo: min(end + 1, window.bytes.count))
      window.line += 1
    }
    return true
  }

  /// Where the next line ends; `nil` when there is none.
  private mutating func endOfLine() throws -> Int? {
    var scanned = 0
    while true {
      let index = window.endOfLine(from: window.start + scanned)
      if index < window.bytes.count { return index }
      if window.isAtEnd { return index > window.start ? index : nil }
      scanned = index - window.start
      try window.fill()
    }
  }

  @inline(__always)
  private func appendLine(to batch: inout RecordBatch, end: Int) throws {
    let line = window.bytes.span.extracting(window.start..<end)
    var parser = JSONParser()
    do throws(RecordFault) {
      do throws(JSONFault) {
        _ = try parser.skipSpace(line)
      } catch {
        return
      }
      try batch.appendObject(line, &parser, members: members, line: window.line)
      do throws(JSONFault) {
        try parser.expectEnd(line)
      } catch {
        batch.removeLast()
        throw .json(error)
      }
    } catch {
      throw error.located(in: line, from: 0, line: window.line)
    }
  }
}
