// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import Records

/// docs/FORMAT.md is the only description of the snapshot file: its tables and the code must agree.
@Suite struct SnapshotFormatTests {
  @Test func `a frame's header has the fields of the table`() throws {
    typealias Offset = SnapshotLayout.Offset
    let offsets: [String: Int] = [
      "magic": 0, "version": Offset.version, "type": Offset.type, "codec": Offset.codec,
      "reserved": Offset.reserved, "number": Offset.number, "plainLength": Offset.plainLength,
      "storedLength": Offset.storedLength, "reserved2": Offset.reserved2,
      "payloadChecksum": Offset.payloadChecksum, "headerChecksum": Offset.headerChecksum,
    ]
    let rows = try Self.table("| Offset | Bytes | Snapshot field |")
    #expect(rows.count == offsets.count)
    var end = 0
    for row in rows {
      #expect(Int(row[0]) == end, "\(row): the fields lie without gaps")
      #expect(offsets[row[2]] == Int(row[0]), "\(row)")
      end += try #require(Int(row[1]))
      switch row[2] {
      case "magic": #expect(Array(row[3].utf8.dropFirst().dropLast()) == SnapshotLayout.magic)
      case "version": #expect(row[3] == "\(SnapshotLayout.version)")
      case "plainLength": #expect(row[3].hasSuffix(" \(SnapshotLayout.payloadBytes)"))
      default: break
      }
    }
    #expect(end == SnapshotLayout.headerBytes)
  }

  @Test func `frames have the types of the table`() throws {
    let rows = try Self.table("| Type | Snapshot frame |")
    #expect(rows.count == 4)
    for row in rows {
      let type = try SnapshotFrameType(rawValue: #require(UInt8(row[0])))
      #expect(type.map { "\($0)" } == row[1], "\(row)")
    }
    #expect(SnapshotFrameType(rawValue: 5) == nil)
  }

  /// The rows of the table whose header begins so, as trimmed cells.
  private static func table(_ header: String) throws -> [[String]] {
    let text = try SourceTree.text("docs/FORMAT.md")
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.hasPrefix(header) }, "\(header)")
    return lines[(start + 2)...].prefix { $0.hasPrefix("|") }
      .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
  }
}
