// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import Testing

/// compact: a file that gives back what it does not need.
@Suite struct CompactTests {
  private func size(_ name: String, in workspace: Workspace) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: workspace.path(name))
    return try #require(attributes[.size] as? Int)
  }

  @Test func `compact gives the space of what was dropped back, and says how much`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      let export = try await workspace.export("a.store")
      try workspace.change("a.store") { database in
        try database.write { transaction in
          let segment = try transaction.createSegment(named: "blobs")
          for number in 0..<40 {
            _ = try transaction.insert(
              [UInt8](repeating: UInt8(number), count: 500_000), into: segment)
          }
        }
        try database.checkpoint()
        try database.write { transaction in
          try transaction.dropSegment(try #require(try transaction.segment(named: "blobs")))
        }
      }
      let before = try size("a.store", in: workspace)
      #expect(before > 20_000_000)
      let run = try await workspace.succeed("compact", "--store", "a.store", "--output", "json")
      let report = try run.object()
      #expect(report["store"] as? String == "a.store")
      #expect((report["bytesBefore"] as? Int ?? 0) >= before)
      #expect((report["leavesMoved"] as? Int ?? -1) >= 0)
      let after = try size("a.store", in: workspace)
      #expect(report["bytesAfter"] as? Int == after)
      #expect(after < before / 4)
      #expect(try await workspace.export("a.store") == export)
    }
  }

  @Test func `a store that is missing or no store is not compacted`() async throws {
    try await Workspace.with { workspace in
      try await workspace.fail(4, "compact", "--store", "a.store", message: "recordctl init")
      try workspace.write("this is no store", to: "damaged.store")
      try await workspace.fail(10, "compact", "--store", "damaged.store", message: "damaged.store")
      #expect(try workspace.text(of: "damaged.store") == "this is no store")
    }
  }
}
