// SPDX-License-Identifier: Apache-2.0

import Foundation
import Records
import TestSupport
import Testing

struct Port: Record {
  static let collection = "ports"
  var id: String
  var name: String
  var berths: Int
}

/// The example of the read-me, compiled and run.
@Suite struct ReadmeExample {
  @Test func `the example of the read-me is this one`() throws {
    let readme = try SourceTree.text("README.md")
    let example = try #require(readme.firstMatch(of: /(?s)```swift\n(.*?)```/)).1
    let source = Self.lines(
      try SourceTree.text("Tests/RecordsTests/Documents/ReadmeExample.swift"))
    for line in Self.lines(String(example)) {
      let line = line.replacingOccurrences(of: "\"harbour.store\"", with: "path")
      #expect(source.contains(line), "\(line)")
    }
  }

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  @Test func `the example of the read-me does what it says`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/harbour.store"

      let store = try RecordStore.create(at: path)
      let ports = Repository<Port>(store)
      try ports.save(Port(id: "DEHAM", name: "Hamburg", berths: 14))

      try store.write { transaction in
        guard var port = try ports.find("DEHAM", in: transaction) else { return }
        port.berths += 1
        try ports.save(port, in: transaction)
      }
      #expect(try ports.find("DEHAM")?.berths == 15)
      #expect(try store.check().isIntact)
      try store.close()
    }
  }
}
