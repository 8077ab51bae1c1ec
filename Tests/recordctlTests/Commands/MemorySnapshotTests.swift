// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import DurableMemory
import Glibc
import Records
import StorageEngine
import Synchronization
import TestSupport
import Testing

/// Durable maps and prevalent systems in snapshots of the store.
@Suite struct MemorySnapshotTests {
  @Test func `maps and systems come back from a snapshot as they were`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try workspace.change("a.store") { try fillMemory($0) }
      try workspace.change("a.store") { try fillImage($0) }
      let made = try await workspace.succeed(
        "snapshot", "create", "a.snapshot", "--store", "a.store", "--output", "json")
      let report = try made.object()
      #expect((report["memoryTrees"] as? [String])?.contains("memory/map/scores") == true)
      #expect(report["memoryEntries"] as? Int ?? 0 > 6)
      #expect((report["foreignTrees"] as? [String])?.isEmpty == true)
      #expect(!made.errors.contains("not part of the snapshot"))
      let verified = try await workspace.succeed(
        "snapshot", "verify", "a.snapshot", "--output", "json")
      #expect(
        try verified.object()["memoryTrees"] as? [String] == report["memoryTrees"] as? [String])
      try await workspace.succeed("snapshot", "restore", "a.snapshot", "--store", "b.store")
      for arguments in [
        ["list"], ["dump", "scores"], ["dump", "blobs"], ["dump", "main"], ["get", "main", "2"],
        ["dump", "counter"], ["get", "counter", "4"],
      ] {
        let before = try await workspace.start(["memory"] + arguments + ["--store", "a.store"])
          .outcome()
        let after = try await workspace.start(["memory"] + arguments + ["--store", "b.store"])
          .outcome()
        #expect(before.output == after.output && after.status == 0, "\(arguments)")
      }
      #expect(try await workspace.export("a.store") == workspace.export("b.store"))
      // They go on where they were.
      try workspace.change("b.store") { database in
        let scores = try DurableMap<String, Int>(named: "scores", in: database)
        #expect(try scores.get("né") == -7)
        try scores.set("né", 8)
        scores.close()
        var registry = CommandRegistry<Int>()
        registry.register(Increase.self)
        let system = try PrevalentSystem.open(
          in: database, registry, options: PrevalentOptions<Int>()
        ) { 0 }
        #expect(try system.execute(Increase()) == 3)
        try system.close()
        let counter = try PrevalentSystem.open(
          in: database, named: "counter", registry, options: PrevalentOptions<Int>())
        #expect(counter.skippedImages.isEmpty && counter.lastImage == 3)
        #expect(try counter.entries(after: 3).count == 1)
        #expect(throws: PrevalenceError.outOfHistory(oldest: 3, newest: 4)) {
          try counter.entries(after: 2)
        }
        #expect(try counter.execute(Increase()) == 5)
        try counter.close()
      }
    }
  }

  @Test func `without memory a snapshot is made where that is damaged`() async throws {
    try await Workspace.with { workspace in
      try await workspace.storeWithHistory("a.store")
      try workspace.change("a.store") { database in
        let map = try DurableMap<UInt64, String>(named: "map", in: database)
        for number in UInt64(0)..<2000 {
          try map.set(number, "a value that is found", durability: .manual)
        }
        map.close()
      }
      var bytes = try workspace.bytes(of: "a.store")
      let place = try #require(bytes.firstRange(of: "a value that is found".utf8))
      // Wherever it lies.
      for part in bytes[place.lowerBound...].indices.prefix(4000) { bytes[part] ^= 1 }
      try workspace.write(bytes, to: "damaged.store")
      let whole = try await workspace.run(
        "snapshot", "create", "whole", "--store", "damaged.store")
      #expect(whole.status == 10, "\(whole.errors)")
      let made = try await workspace.succeed(
        "snapshot", "create", "records", "--store", "damaged.store", "--without-memory")
      #expect(made.errors.contains("not part of the snapshot: memory/catalog, memory/map/map"))
      try await workspace.succeed("snapshot", "restore", "records", "--store", "b.store")
      #expect(try await workspace.export("a.store") == workspace.export("b.store"))
    }
  }

  @Test func `a snapshot beside commits has records and maps as of one moment`() throws {
    try withTemporaryDirectory { directory in
      let snapshots = try Self.snapshotsBesideCommits(at: directory + "/a.store", count: 8)
      for (number, bytes) in snapshots.enumerated() {
        let path = "\(directory)/\(number).store"
        var rest = bytes[...]
        _ = try RecordStore.restore(at: path, fromSnapshot: "it") { count in
          defer { rest = rest.dropFirst(count) }
          return Array(rest.prefix(count))
        }
        let store = try RecordStore.open(at: path)
        let map = try DurableMap<String, Int>(named: "map", in: store.database)
        let record = try #require(try store.read { try $0.get("c", .text("k")) })
        let with = try #require(try map.get("with"))
        #expect(record["n"] == .integer(Int64(with)))
        #expect(try [with - 1, with].contains(map.get("after") ?? 0))
        #expect(try store.check().isIntact)
        map.close()
        try store.close()
      }
    }
  }

  /// Commits to a record and a map together, then to the map alone, and takes snapshots meanwhile.
  private static func snapshotsBesideCommits(at path: String, count: Int) throws -> [[UInt8]] {
    let store = try RecordStore.create(at: path)
    let map = try DurableMap<String, Int>(named: "map", in: store.database)
    let committed = Atomic(0)
    let isDone = Atomic(false)
    let snapshots = Guarded<[[UInt8]]>([])
    try runThreads(2) { thread in
      defer { isDone.store(true, ordering: .relaxed) }
      if thread == 0 {
        while !isDone.load(ordering: .relaxed) {
          let number = committed.load(ordering: .relaxed) + 1
          try store.write(durability: .manual) { transaction in
            let field = StoredRecord.Field("n", .integer(Int64(number)))
            try transaction.put("c", .text("k"), [field])
            try map.set("with", number, in: transaction.engineTransaction)
          }
          try map.set("after", number, durability: .manual)
          committed.store(number, ordering: .relaxed)
        }
      } else {
        for _ in 0..<count {
          let before = committed.load(ordering: .relaxed)
          while committed.load(ordering: .relaxed) < before + 10,
            !isDone.load(ordering: .relaxed)
          { wait() }
          var bytes: [UInt8] = []
          _ = try store.writeSnapshot(to: { bytes += $0 })
          let taken = bytes
          snapshots.withLock { $0.append(taken) }
        }
      }
    }
    map.close()
    try store.close()
    return snapshots.withLock { $0 }
  }

  private static func wait() { usleep(1000) }
}
