// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Data as the world has it, from Debian's packages.
@Suite struct RealDataTests {
  static let unicodeColumns = [
    "code", "name", "category", "combining", "bidirectional", "decomposition", "decimal", "digit",
    "numeric", "mirrored", "oldName", "comment", "uppercase", "lowercase", "titlecase",
  ]

  @Test(
    .enabled(
      if: Fixture.isInstalled(Fixture.unicodeData), "the package unicode-data is not installed"))
  func `every line of UnicodeData becomes a record and comes back`() async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      let command = [
        "import", Fixture.unicodeData, "--collection", "characters", "--format", "csv",
        "--delimiter", ";", "--columns", Self.unicodeColumns.joined(separator: ","), "--key",
        "code",
      ]
      let outcome = try await workspace.start(command + ["--output", "json"]).outcome()
      let source = try String(contentsOfFile: Fixture.unicodeData, encoding: .utf8)
        .split(separator: "\n")
      #expect(source.count > 34_000)
      #expect(try outcome.object()["records"] as? Int == source.count, "\(outcome.errors)")
      let position = try await workspace.position(of: "records.store")
      #expect(try await workspace.start(command).outcome().status == 0)
      #expect(try await workspace.position(of: "records.store") == position)
      let exported = try await workspace.succeed("export", "characters").lines
      #expect(Set(try exported.map(Self.line)) == Set(source.map(String.init)))
    }
  }

  /// The line of UnicodeData that an exported record came from.
  private static func line(_ json: String) throws -> String {
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: String]
    return unicodeColumns.map { object?[$0] ?? "" }.joined(separator: ";")
  }

  /// A document of iso-codes, the array in it, the key, and how many elements it has at least.
  static let documents = [
    ("iso_3166-1.json", "3166-1", "alpha_2", 249),
    ("iso_3166-2.json", "3166-2", "code", 4000),
    ("iso_4217.json", "4217", "alpha_3", 170),
    ("iso_639-3.json", "639-3", "alpha_3", 7000),
  ]

  @Test(
    .enabled(if: Fixture.isInstalled(Fixture.isoCodes), "the package iso-codes is not installed"),
    arguments: documents)
  func `every element of an iso-codes document becomes a record and comes back`(
    file: String, path: String, key: String, count: Int
  ) async throws {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.succeed(
        "import", Fixture.isoCodes + "/" + file, "--collection", "codes", "--path", path, "--key",
        key)
      let data = try Data(contentsOf: URL(filePath: Fixture.isoCodes + "/" + file))
      let document = try JSONSerialization.jsonObject(with: data) as? [String: [[String: String]]]
      let source = try #require(document?[path])
      let exported = try await workspace.succeed("export", "codes").lines.map { line in
        var object =
          try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String] ?? [:]
        object["_key"] = nil
        return object
      }
      #expect(source.count >= count)
      #expect(Set(exported) == Set(source))
    }
  }
}
