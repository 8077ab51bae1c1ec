// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// sync against a served store.
@Suite struct SyncTests {
  @Test func `edits of both sides, also of one field, end equal and exit 0`() async throws {
    try await Workspace.with { workspace in
      try await workspace.twoReplicas("a.store", "b.store")
      try await workspace.succeed("put", "p", "1", #"{"x":1,"y":1}"#, "--store", "a.store")
      try await workspace.succeed("put", "p", "1", #"{"x":2,"z":2}"#, "--store", "b.store")
      try await workspace.succeed("put", "p", "2", #"{"b":true}"#, "--store", "b.store")
      let outcome = try await workspace.sync("b.store", with: "a.store")
      #expect(outcome.status == 0, "\(outcome.errors)")
      let (one, two) = (
        try await workspace.export("a.store"), try await workspace.export("b.store")
      )
      #expect(one == two)
      #expect(one.contains(#""x":2"#))
    }
  }

  @Test func `three stores in a chain, in any direction, end equal`() async throws {
    try await Workspace.with { workspace in
      try await workspace.twoReplicas("a.store", "b.store")
      try await workspace.succeed("init", "--store", "c.store")
      #expect(try await workspace.sync("c.store", with: "b.store").status == 0)
      for (number, store) in ["a.store", "b.store", "c.store"].enumerated() {
        try await workspace.succeed("put", "p", "same", #"{"x":\#(number)}"#, "--store", store)
        try await workspace.succeed("put", "p", store, #"{"x":\#(number)}"#, "--store", store)
        try await workspace.succeed("delete", "base", "k\(number)", "--store", store)
      }
      for (store, peer) in [("a.store", "b.store"), ("c.store", "b.store"), ("a.store", "b.store")]
      {
        #expect(try await workspace.sync(store, with: peer).status == 0)
      }
      let exports = [
        try await workspace.export("a.store"), try await workspace.export("b.store"),
        try await workspace.export("c.store"),
      ]
      #expect(Set(exports).count == 1)
    }
  }

  @Test func `push and pull go one way only, a dry run none`() async throws {
    try await Workspace.with { workspace in
      try await workspace.twoReplicas("a.store", "b.store")
      try await workspace.succeed("put", "p", "a", "{}", "--store", "a.store")
      try await workspace.succeed("put", "p", "b", "{}", "--store", "b.store")
      let before = try await workspace.positions("a.store", "b.store")
      let plan = try await workspace.sync(
        "a.store", with: "b.store", "--dry-run", "--output", "json")
      let planned = try plan.object()
      #expect(planned["toPull"] as? Int == 1 && planned["toPush"] as? Int == 1, "\(planned)")
      #expect(try await workspace.positions("a.store", "b.store") == before)
      #expect(try await workspace.sync("a.store", with: "b.store", "--pull").status == 0)
      #expect(try await workspace.positions("b.store") == Array(before.dropFirst()))
      #expect(try await workspace.succeed("get", "p", "b", "--store", "a.store").status == 0)
      #expect(try await workspace.sync("a.store", with: "b.store", "--push").status == 0)
      #expect(try await workspace.succeed("get", "p", "a", "--store", "b.store").status == 0)
    }
  }

  @Test func `a store without transactions adopts the peer's data set`() async throws {
    try await Workspace.with { workspace in
      try await workspace.twoReplicas("a.store", "b.store")
      let (one, two) = (
        try await workspace.status(of: "a.store"), try await workspace.status(of: "b.store")
      )
      #expect(one["storeID"] as? String == two["storeID"] as? String)
      #expect(one["origin"] as? String != two["origin"] as? String)
    }
  }

  @Test func `two data sets are refused, and joined by adopt`() async throws {
    try await Workspace.with { workspace in
      for name in ["a", "b"] {
        try await workspace.succeed("init", "--store", name + ".store")
        try await workspace.succeed("put", "p", name, "{}", "--store", name + ".store")
      }
      let refused = try await workspace.sync("a.store", with: "b.store")
      #expect(refused.status == 7 && refused.errors.contains("--adopt"), "\(refused.errors)")
      #expect(try await workspace.sync("a.store", with: "b.store", "--adopt").status == 0)
      let exports = try await [workspace.export("a.store"), workspace.export("b.store")]
      #expect(exports[0] == exports[1] && exports[0].split(separator: "\n").count == 2)
    }
  }

  @Test func `a peer that is not there is unreachable and one that is no address a usage error`()
    async throws
  {
    try await Workspace.with { workspace in
      try await workspace.succeed("init")
      try await workspace.fail(15, "sync", "127.0.0.1:1", message: "127.0.0.1")
      for peer in ["", "ftp://a", "http://", "host:99999", "http://example.com", "a b"] {
        try await workspace.fail(2, "sync", peer)
      }
      try await workspace.fail(2, "sync", "127.0.0.1:1", "--push", "--pull")
    }
  }

  @Test func `what is from the future is held, shown, and exit 3`() async throws {
    try await Workspace.with { workspace in
      try await workspace.twoReplicas("a.store", "b.store")
      try workspace.putInFuture("p", "later", store: "b.store")
      let outcome = try await workspace.sync("a.store", with: "b.store")
      #expect(outcome.status == 3, "\(outcome.errors)")
      let status = try await workspace.status(of: "a.store")
      let held = try #require(status["held"] as? [[String: Any]])
      #expect(held.count == 1 && held.first?["reason"] as? String == "ahead", "\(held)")
      try await workspace.fail(4, "get", "p", "later", "--store", "a.store")
      let own = try await workspace.succeed("status", "--store", "b.store")
      #expect(own.errors.contains("clock is ahead of this machine's"), "\(own.errors)")
    }
  }
}
