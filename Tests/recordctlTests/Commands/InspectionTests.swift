// SPDX-License-Identifier: Apache-2.0

import Foundation
import Records
import StorageEngine
import TestSupport
import Testing

/// info, and how other commands treat what lies beside the records.
@Suite struct InspectionTests {
  @Test func `info tells size and fill of each tree, the log, free space and who reads what`()
    async throws
  {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try workspace.change("a.store") { _ = try $0.createSnapshot(named: "before") }
      try await workspace.succeed("put", "new", "x", "{}", "--store", "a.store")
      let run = try await workspace.succeed("info", "--store", "a.store", "--output", "json")
      let info = try #require(
        try JSONSerialization.jsonObject(with: run.output) as? [String: Any])
      for name in ["fileBytes", "freeBytes", "logBytes", "pageBytes", "lsn", "checkpointLSN"] {
        #expect((info[name] as? Int ?? 0) > 0, "\(name)")
      }
      #expect(["direct", "cached", "flushed"].contains(info["durableWrites"] as? String))
      let named = try #require(info["namedSnapshots"] as? [[String: Any]])
      #expect(named.map { $0["name"] as? String } == ["before"])
      #expect(named.allSatisfy { ($0["ageSeconds"] as? Int ?? -1) >= 0 })
      let oldest = try #require(info["oldestReader"] as? [String: Any])
      #expect(oldest["name"] as? String == "before")
      #expect((info["snapshotPages"] as? Int ?? 0) > 0)
      let trees = try #require(info["trees"] as? [[String: Any]])
      #expect(trees.contains { ($0["entries"] as? Int ?? 0) > 0 })
      for tree in trees where (tree["entries"] as? Int ?? 0) > 0 {
        #expect((tree["bytes"] as? Int ?? 0) >= 4096)
        #expect((1...100).contains(tree["fillPercent"] as? Int ?? 0))
        #expect(tree["isEstimate"] as? Bool == false)
      }
      let text = try await workspace.succeed("info", "--store", "a.store").text
      #expect(text.contains("oldestReader:\n  name: before\n"))
      #expect(text.contains("    fillPercent: "))
    }
  }

  @Test func `trees beside the records are named by check and snapshot create, and are no damage`()
    async throws
  {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try workspace.change("a.store") { database in
        try database.write { _ = try $0.createSegment(named: "blobs") }
      }
      let check = try await workspace.succeed("check", "--store", "a.store", "--output", "json")
      #expect(check.text.contains("\"foreignTrees\": [\n    \"segment/blobs\"\n  ]"))
      let made = try await workspace.succeed(
        "snapshot", "create", "a.snapshot", "--store", "a.store")
      #expect(made.text.contains("foreignTrees: segment/blobs"))
      #expect(made.errors.contains("not part of the snapshot: segment/blobs"))
      try await workspace.succeed("snapshot", "restore", "a.snapshot", "--store", "b.store")
      let restored = try await workspace.succeed("check", "--store", "b.store")
      #expect(restored.text.contains("foreignTrees: none"))
    }
  }

  @Test func `check tells of a superblock that was not intact, which is no damage`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      var bytes = try workspace.bytes(of: "a.store")
      bytes[4096 + 50] ^= 1
      try workspace.write(bytes, to: "b.store")
      let check = try await workspace.succeed("check", "--store", "b.store", "--output", "json")
      #expect(check.errors.contains("only one of both superblocks was intact"))
      #expect(try check.object()["intactSuperblocks"] as? Int == 1)
      let again = try await workspace.succeed("check", "--store", "b.store", "--output", "json")
      #expect(!again.errors.contains("superblock"))
      #expect(try again.object()["intactSuperblocks"] as? Int == 2)
    }
  }

  @Test func `a store of the engine alone is described and checked, damaged or not`() async throws {
    try await Workspace.with { workspace in
      let path = workspace.path("bare.store")
      let database = try Database.create(at: path)
      try database.write { transaction in
        let tree = try transaction.createTree(named: "mine")
        for number in 0..<200 {
          try transaction.put([UInt8](repeating: 7, count: 900), forKey: [UInt8(number)], in: tree)
        }
      }
      try database.close()
      let check = try await workspace.succeed("check", "--store", "bare.store")
      #expect(check.text.contains("intact: true") && check.text.contains("foreignTrees: mine"))
      #expect(check.errors.contains("holds no records: only its pages are checked"))
      let info = try await workspace.succeed("info", "--store", "bare.store")
      #expect(info.text.contains("name: mine"))
      try await workspace.fail(
        10, "list", "a", "--store", "bare.store", message: "holds no records")

      var bytes = try Data(contentsOf: URL(filePath: path))
      let place = try #require(bytes.firstRange(of: Data(repeating: 7, count: 900))).lowerBound
      bytes[place] ^= 1
      try bytes.write(to: URL(filePath: path))
      try await workspace.fail(10, "check", "--store", "bare.store", message: "is damaged")
      try FileManager.default.removeItem(atPath: path)
    }
  }
}
