// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// snapshot create, verify, restore.
@Suite struct SnapshotTests {
  @Test func `a restored store is equal, has an identity of its own and feeds a fresh peer`()
    async throws
  {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try await workspace.succeed("snapshot", "create", "a.snapshot", "--store", "a.store")
      try await workspace.succeed("snapshot", "verify", "a.snapshot")
      try await workspace.succeed("snapshot", "restore", "a.snapshot", "--store", "b.store")
      #expect(try await workspace.export("a.store") == workspace.export("b.store"))
      let (one, two) = (
        try await workspace.status(of: "a.store"), try await workspace.status(of: "b.store")
      )
      #expect(one["storeID"] as? String == two["storeID"] as? String)
      let origins = [one, two].compactMap { $0["origin"] as? String }
      let replicas = Set(origins.compactMap { $0.split(separator: ".").first })
      #expect(replicas.count == 2)
      try await workspace.succeed("put", "new", "x", "{}", "--store", "b.store")
      try await workspace.succeed("init", "--store", "c.store")
      #expect(try await workspace.sync("c.store", with: "b.store").status == 0)
      #expect(try await workspace.sync("a.store", with: "c.store").status == 0)
      #expect(try await workspace.export("a.store") == workspace.export("b.store"))
    }
  }

  @Test func `an existing target is kept`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try await workspace.succeed("snapshot", "create", "a.snapshot", "--store", "a.store")
      let bytes = try workspace.bytes(of: "a.snapshot")
      try await workspace.fail(
        1, "snapshot", "create", "a.snapshot", "--store", "a.store", message: "exists")
      #expect(try workspace.bytes(of: "a.snapshot") == bytes)
      try await workspace.fail(
        1, "snapshot", "restore", "a.snapshot", "--store", "a.store", message: "exists")
    }
  }

  @Test func `damage at any place is refused and leaves no store behind`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try await workspace.succeed("snapshot", "create", "a.snapshot", "--store", "a.store")
      let whole = try workspace.bytes(of: "a.snapshot")
      var generator = SplitMix64(seed: TestEnvironment.seed)
      for round in 0..<30 {
        var damaged = whole
        if round % 2 == 0 {
          let bit = Int.random(in: 0..<damaged.count * 8, using: &generator)
          damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        } else {
          damaged.removeLast(Int.random(in: 1...damaged.count, using: &generator))
        }
        try workspace.write(damaged, to: "damaged.snapshot")
        try await workspace.fail(10, "snapshot", "verify", "damaged.snapshot", message: "damaged")
        try await workspace.fail(
          10, "snapshot", "restore", "damaged.snapshot", "--store", "new.store")
        #expect(!workspace.exists("new.store"))
      }
    }
  }

  @Test(arguments: ["", "no snapshot", "{}"])
  func `a file that is no snapshot is told`(content: String) async throws {
    try await Workspace.with { workspace in
      try workspace.write(content, to: "file")
      try await workspace.fail(10, "snapshot", "verify", "file", message: "file")
      try await workspace.fail(4, "snapshot", "verify", "none", message: "none")
    }
  }

  @Test func `a snapshot is for its owner's eyes, as the store is`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try await workspace.succeed("snapshot", "create", "a.snapshot", "--store", "a.store")
      for name in ["a.store", "a.snapshot"] {
        let attributes = try FileManager.default.attributesOfItem(atPath: workspace.path(name))
        #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
      }
    }
  }
}
