// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ChangeJournal

/// docs/FORMAT.md is the only description of the formats: its tables and the code must agree.
struct FormatDocumentTests {
  /// The rows of the table whose header begins with the given cells, as trimmed cells.
  private func table(_ header: String...) throws -> [[String]] {
    let lines = try SourceTree.text("docs/FORMAT.md").split(
      separator: "\n", omittingEmptySubsequences: false)
    let cells = { (line: Substring) in
      line.split(separator: "|").map { $0.trimmingSpaces() }
    }
    let start = try #require(
      lines.firstIndex { $0.hasPrefix("|") && cells($0).starts(with: header) }, "\(header)")
    return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map(cells)
  }

  @Test func `the frame header has the fields of the table`() throws {
    typealias Offset = FrameLayout.Offset
    let offsets: [String: Int] = [
      "magic": Offset.magic, "version": Offset.version, "type": Offset.type,
      "codec": Offset.codec, "flags": Offset.flags, "number": Offset.number,
      "plainLength": Offset.plainLength, "storedLength": Offset.storedLength,
      "transactionCount": Offset.transactionCount, "fragment": Offset.fragment,
      "store": Offset.store, "transactionLength": Offset.transactionLength,
      "payloadChecksum": Offset.payloadChecksum, "headerChecksum": Offset.headerChecksum,
    ]
    let rows = try table("Offset", "Bytes", "Field", "Meaning")
    #expect(rows.count == offsets.count)
    var end = 0
    for row in rows {
      #expect(Int(row[0]) == end, "\(row): the fields lie without gaps")
      #expect(offsets[row[2]] == Int(row[0]), "\(row)")
      end += try #require(Int(row[1]))
      switch row[2] {
      case "magic":
        #expect(row[3].contains("`" + String(decoding: FrameLayout.magic, as: UTF8.self) + "`"))
        #expect(bytes(hex: row[3].between("(`", "`)")) == FrameLayout.magic)
      case "version": #expect(row[3] == "\(FrameLayout.version)")
      case "plainLength": #expect(row[3].hasSuffix(" \(FrameLayout.payloadBytes)"))
      default: break
      }
    }
    #expect(end == FrameLayout.headerBytes)
  }

  @Test func `a header is written where the table says`() {
    let header = FrameHeader(
      type: .commit, codec: .zlib, number: 0x1111_1111_1111_1111, plainLength: 0x0002_2222,
      storedLength: 0x0001_3333, transactionCount: 1, fragment: 0x4444_4444,
      store: 0x5555_5555_5555_5566, transactionLength: 0x0777_7777, payloadChecksum: 0x8888_8888)
    let expected =
      "52534a4f55524e4c 0100 04 01 00000000 1111111111111111 22220200 33330100 01000000 44444444"
      + "5555555555555566 7777770700000000 88888888"
    #expect(hex(header.bytes.dropLast(4)) == expected.filter { $0 != " " })
    #expect(throws: Never.self) {
      let decoded = try FrameHeader(decoding: header.bytes[...])
      #expect(decoded == header)
    }
  }

  @Test func `frame types and codecs are those of the tables`() throws {
    let types = try table("Type", "Name", "Payload")
    #expect(types.map { $0[0] } == FrameType.allCases.map { "\($0.rawValue)" })
    #expect(types.map { $0[1] } == FrameType.allCases.map { "\($0)" })
    let codecs = try table("Codec", "Name", "Payload as stored")
    #expect(codecs.map { $0[0] } == FrameCodec.allCases.map { "\($0.rawValue)" })
    #expect(codecs.map { $0[1] } == FrameCodec.allCases.map { "\($0)" })
  }

  @Test func `operation kinds are those of the table`() throws {
    let kinds = try table("Kind", "Items", "Meaning")
    #expect(kinds.map { $0[0] } == OperationKind.allCases.map { "\($0.rawValue)" })
    for (row, kind) in zip(kinds, OperationKind.allCases) {
      #expect(row[2].hasPrefix("\(kind)"))
    }
  }

  @Test func `limits are those of the table`() throws {
    let limits: [String: UInt64] = [
      "depth of a value": UInt64(JournalLimits.valueDepth),
      "depth of a field's value, in a record store": UInt64(JournalLimits.fieldDepth),
      "bytes of a text key": UInt64(JournalLimits.keyBytes),
      "bytes of a collection name": UInt64(JournalLimits.collectionNameBytes),
      "bytes of a field name": UInt64(JournalLimits.fieldNameBytes),
      "origins in a version vector": UInt64(JournalLimits.vectorEntries),
      "parts of a transaction": UInt64(JournalLimits.transactionParts),
      "bytes of a transaction header": UInt64(JournalLimits.headerBytes),
      "bytes of a transaction": UInt64(JournalLimits.transactionBytes),
      "largest sequence": JournalLimits.sequence,
    ]
    let rows = try table("Limit", "Value")
    #expect(rows.count == limits.count)
    for row in rows { #expect(limits[row[0]] == UInt64(row[1]), "\(row)") }
  }

  @Test func `the trees are those of the table`() throws {
    #expect(
      try table("Tree", "Key", "Value").map { $0[0] }
        == JournalTreeName.allCases.map { "`\($0.rawValue)`" })
  }

  @Test func `the members of the JSON lines are those of the tables`() throws {
    let line = String(decoding: try TransactionJSON.line(Samples.encoded()), as: UTF8.self)
    let members = try table("Member", "Content").map { $0[0].between("`", "`") }
    var rest = line[...]
    for member in members {
      let place = try #require(rest.firstRange(of: "\"\(member)\":"), "\(member)")
      rest = rest[place.upperBound...]
    }
  }
}

extension Substring {
  fileprivate func trimmingSpaces() -> String {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

extension String {
  /// The text between the first `left` and the next `right`.
  fileprivate func between(_ left: String, _ right: String) -> String {
    guard let start = firstRange(of: left),
      let end = self[start.upperBound...].firstRange(of: right)
    else { return "" }
    return String(self[start.upperBound..<end.lowerBound])
  }
}
