// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport
import Testing

/// recover: what becomes of transactions in doubt.
@Suite struct RecoverTests {
  /// Makes a store with records in a segment of their own, each with a transaction in doubt that
  /// updates it; returns the numbers of the transactions.
  private func storeInDoubt(_ name: String, _ workspace: Workspace) async throws -> [UInt64] {
    try await workspace.storeWithHistory(name)
    var numbers: [UInt64] = []
    try workspace.change(name) { database in
      let segment = try database.write { try $0.createSegment(named: "accounts") }
      for number in 0..<3 {
        let record = try database.write { try $0.insert(Array("old".utf8), into: segment) }
        let transaction = try database.begin(
          TransactionOptions(identifier: Array("transfer \(number)".utf8)))
        try transaction.update(record, to: Array("new".utf8))
        let prepared = try transaction.prepare()
        prepared.leaveInDoubt()
        numbers.append(prepared.number)
      }
    }
    return numbers
  }

  /// What the records hold, in the order of their transactions.
  private func contents(_ name: String, _ workspace: Workspace) throws -> [String] {
    var found: [String] = []
    try workspace.change(name) { database in
      try database.read { view in
        let segment = try #require(try view.segment(named: "accounts"))
        let cursor = try view.scan(segment)
        while let record = try cursor.next() {
          found.append(String(decoding: record.bytes, as: UTF8.self))
        }
      }
    }
    return found
  }

  /// Runs `recover` and returns the transactions that it reports.
  private func recover(
    _ arguments: String..., workspace: Workspace
  ) async throws -> [[String: Any]] {
    let command = ["recover", "--store", "a.store", "--output", "json"] + arguments
    let outcome = try await workspace.start(command).outcome()
    try #require(outcome.status == 0, "\(outcome.errors)")
    let report = try outcome.object()
    #expect(report["store"] as? String == "a.store")
    return try #require(report["transactions"] as? [[String: Any]])
  }

  @Test func `without a decision they are listed and stay in doubt`() async throws {
    try await Workspace.with { workspace in
      let numbers = try await storeInDoubt("a.store", workspace)
      for _ in 0..<2 {
        let found = try await recover(workspace: workspace)
        #expect(found.map { $0["number"] as? UInt64 } == numbers)
        #expect(
          found.map { $0["identifier"] as? String } == ["transfer 0", "transfer 1", "transfer 2"])
        for transaction in found {
          #expect(transaction["state"] as? String == "inDoubt")
          #expect(transaction["decision"] as? String == "keep")
          #expect((0..<600).contains(transaction["ageSeconds"] as? Int ?? -1))
        }
      }
      let text = try await workspace.succeed("recover", "--store", "a.store").text
      #expect(text.contains("identifier: transfer 0\n") && text.contains("decision: keep\n"))
      #expect(try contents("a.store", workspace) == ["old", "old", "old"])
    }
  }

  @Test func `each is decided by its number, and the others as they are told together`()
    async throws
  {
    try await Workspace.with { workspace in
      let numbers = try await storeInDoubt("a.store", workspace)
      let first = ["--commit", "\(numbers[0])", "--rollback", "\(numbers[1])"]
      for isDry in [true, false] {
        let before = try workspace.bytes(of: "a.store")
        let command =
          ["recover", "--store", "a.store", "--output", "json"] + first
          + (isDry ? ["--dry-run"] : [])
        let outcome = try await workspace.start(command).outcome()
        #expect(outcome.status == 0, "\(outcome.errors)")
        let found = try #require(try outcome.object()["transactions"] as? [[String: Any]])
        #expect(found.map { $0["decision"] as? String } == ["commit", "rollback", "keep"])
        #expect((try workspace.bytes(of: "a.store") == before) == isDry)
        #expect(
          try contents("a.store", workspace) == [isDry ? "old" : "new", "old", "old"])
      }
      // What was committed last is told until the next commit, as that of a crash would be.
      try await workspace.succeed("put", "ports", "NOOSL", "{}", "--store", "a.store")
      let left = try await recover("--others", "commit", workspace: workspace)
      #expect(left.map { $0["number"] as? UInt64 } == [numbers[2]])
      #expect(try contents("a.store", workspace) == ["new", "old", "new"])
      try await workspace.succeed("put", "ports", "DKCPH", "{}", "--store", "a.store")
      #expect(try await recover(workspace: workspace).isEmpty)
    }
  }

  @Test func `a decision that cannot be made is refused with its reason, and nothing is decided`()
    async throws
  {
    try await Workspace.with { workspace in
      let numbers = try await storeInDoubt("a.store", workspace)
      let unknown = numbers[2] + 1000
      try await workspace.fail(
        4, "recover", "--store", "a.store", "--commit", "\(numbers[0])", "--commit", "\(unknown)",
        message: "no transaction \(unknown) is in doubt")
      for arguments in [
        ["--commit", "\(numbers[0])", "--rollback", "\(numbers[0])"], ["--others", "perhaps"],
        ["--commit", "first"],
      ] {
        let outcome = try await workspace.start(
          ["recover", "--store", "a.store"] + arguments
        ).outcome()
        #expect(outcome.status == 2, "\(arguments): \(outcome.errors)")
      }
      #expect(try await recover(workspace: workspace).count == 3)
      #expect(try contents("a.store", workspace) == ["old", "old", "old"])
      try await workspace.fail(4, "recover", "--store", "missing.store")
    }
  }

  @Test func `one whose commit had begun is completed, undone, or not undone with the reason`()
    async throws
  {
    for drops in [false, true] {
      try await Workspace.with { workspace in
        try await workspace.storeWithHistory("a.store")
        var numbers: [UInt64] = []
        try workspace.change("a.store") { database in
          let record = try database.write { transaction in
            try transaction.insert(
              Array("old".utf8), into: try transaction.createSegment(named: "accounts"))
          }
          _ = try database.write { try $0.createSegment(named: "dropped") }
          let transaction = try database.begin()
          try transaction.update(record, to: Array("new".utf8))
          if drops {
            let segment = try #require(try transaction.segment(named: "dropped"))
            try transaction.dropSegment(segment)
          }
          let prepared = try transaction.prepare()
          try prepared.commit()
          numbers.append(prepared.number)
          // What a crash leaves now: closing in order makes the commit final.
          try FileManager.default.copyItem(
            atPath: workspace.path("a.store"), toPath: workspace.path("crashed"))
        }
        try FileManager.default.removeItem(atPath: workspace.path("a.store"))
        try FileManager.default.moveItem(
          atPath: workspace.path("crashed"), toPath: workspace.path("a.store"))
        let found = try await recover("--dry-run", workspace: workspace)
        #expect(found.map { $0["state"] as? String } == ["committing"])
        #expect(found.map { $0["decision"] as? String } == ["commit"])
        let outcome = try await workspace.run(
          "recover", "--store", "a.store", "--rollback", "\(numbers[0])")
        #expect(outcome.status == (drops ? 1 : 0), "\(outcome.errors)")
        let reason = "transaction \(numbers[0]) cannot be rolled back: it dropped trees"
        #expect(outcome.errors.contains(reason) == drops, "\(outcome.errors)")
        #expect(try contents("a.store", workspace) == [drops ? "new" : "old"])
      }
    }
  }
}
