// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import StorageEngine
import TestSupport
import Testing

@Suite("Snapshots")
struct SnapshotTests {
  /// A replica with siblings, tombstones and a held transaction.
  static func fill(_ replica: TestReplica) throws {
    let other = try TestReplica(seed: 77, clock: replica.clock, storeID: replica.store.storeID)
    try replica.store.put("c", .text("k"), ["a": .integer(1)])
    try other.store.put("c", .text("k"), ["a": .integer(2), "b": .bytes([1])])
    try replica.store.put("d", .integer(3), ["x": .null])
    try replica.store.write { try $0.delete("d", .integer(3)) }
    _ = try replica.store.apply(other.transactions())
    let ahead = try TestReplica(
      seed: 78, clock: TestClock(replica.clock.now + 600_000), storeID: replica.store.storeID)
    try ahead.store.put("c", .text("later"), [:])
    _ = try replica.store.apply(ahead.transactions())
    try other.finish()
    try ahead.finish()
  }

  static func snapshot(_ replica: TestReplica) throws -> ([UInt8], SnapshotSummary) {
    var bytes: [UInt8] = []
    let summary = try replica.store.writeSnapshot(to: { bytes += $0 })
    return (bytes, summary)
  }

  static func reader(_ bytes: [UInt8], step: Int = .max) -> (Int) throws -> [UInt8] {
    var rest = bytes[...]
    return { count in
      defer { rest = rest.dropFirst(min(count, step)) }
      return Array(rest.prefix(min(count, step)))
    }
  }

  @Test func `no snapshot is made of a store that could not be restored from it`() throws {
    let replica = try TestReplica(seed: 5)
    try Self.fill(replica)
    try replica.store.database.write { transaction in
      let tree = try #require(
        try transaction.tree(named: JournalTreeName.transactions.rawValue))
      let cursor = try transaction.cursor(in: tree)
      try #require(try cursor.next())
      try transaction.delete(cursor.key, in: tree)
    }
    let error = #expect(throws: SnapshotError.self) { _ = try Self.snapshot(replica) }
    guard case .unsoundStore(let fault)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(fault.contains("tree 'journal/transactions'"), "\(fault)")
  }

  @Test func `a restored store is the same, but for who it is`() throws {
    try withTemporaryDirectory { directory in
      try withReplica { replica in
        try Self.fill(replica)
        let (bytes, written) = try Self.snapshot(replica)
        #expect(written.transactions == 4 && written.held == 1)
        #expect(written.records == 1 && written.tombstones == 1)
        #expect(written.bytes == UInt64(bytes.count))
        for step in [1, 7, 100_000] {
          let verified = try RecordStore.verifySnapshot(
            named: "s", Self.reader(bytes, step: step))
          #expect(verified == written)
        }
        let path = "\(directory)/restored.store"
        let restored = try RecordStore.restore(
          at: path, fromSnapshot: "s", Self.reader(bytes), environment: replica.environment)
        #expect(restored == written)
        let store = try RecordStore.open(at: path, environment: replica.environment)
        #expect(store.storeID == replica.store.storeID && store.origin != replica.store.origin)
        #expect(try store.status().held == replica.store.status().held)
        // It feeds a fresh peer, writes as itself, and is understood by the first.
        try store.put("c", .text("new"), [:])
        var all: [EncodedTransaction] = []
        let cursor = try store.journal()
        while let transaction = try cursor.next() { all.append(transaction) }
        #expect(try replica.store.apply(all).applied == 1)
        try withReplica(seed: 3) { fresh in
          try fresh.store.adopt(store.storeID)
          _ = try fresh.store.apply(all)
          #expect(try fresh.exported() == replica.exported())
        }
        #expect(try store.database.check().faults.isEmpty)
        try store.close()
      }
    }
  }

  @Test func `equal stores have equal snapshots, but for the order of arrival nothing`() throws {
    try withReplicas(2) { replicas in
      try replicas[0].store.put("c", .text("a"), [:])
      try replicas[1].store.put("c", .text("b"), [:])
      _ = try replicas[0].store.apply(replicas[1].transactions())
      _ = try replicas[1].store.apply(replicas[0].transactions())
      #expect(try Self.snapshot(replicas[0]).0 == Self.snapshot(replicas[1]).0)
    }
  }

  @Test func `entries longer than a frame come back`() throws {
    try withTemporaryDirectory { directory in
      try withReplica { replica in
        var random = SplitMix64(seed: TestEnvironment.seed)
        try replica.store.put("c", .text("k"), ["a": .bytes(random.bytes(3 << 20))])
        let (bytes, written) = try Self.snapshot(replica)
        let path = "\(directory)/restored.store"
        let restored = try RecordStore.restore(
          at: path, fromSnapshot: "s", Self.reader(bytes, step: 4097))
        #expect(restored == written)
        let store = try RecordStore.open(at: path)
        #expect(try store.get("c", .text("k")) == replica.store.get("c", .text("k")))
        #expect(try store.database.check().faults.isEmpty)
        try store.close()
      }
    }
  }

  @Test func `a snapshot cut short anywhere is refused`() throws {
    try withReplica { replica in
      try Self.fill(replica)
      let (bytes, _) = try Self.snapshot(replica)
      for length in 0..<bytes.count {
        #expect(throws: SnapshotError.self, "\(length) bytes") {
          try RecordStore.verifySnapshot(named: "s", Self.reader(Array(bytes[..<length])))
        }
      }
      #expect(throws: SnapshotError.self) {
        try RecordStore.verifySnapshot(named: "s", Self.reader(bytes + [0]))
      }
    }
  }

  @Test func `a flipped bit anywhere is refused, and names the frame it is in`() throws {
    try withReplica { replica in
      try replica.store.put("c", .text("k"), ["a": .integer(1)])
      let (bytes, _) = try Self.snapshot(replica)
      var starts: [Int] = []
      while let start = starts.last.map({ Self.end(ofFrameAt: $0, in: bytes) }) ?? 0 as Int?,
        start < bytes.count
      { starts.append(start) }
      for bit in 0..<bytes.count * 8 {
        var damaged = bytes
        damaged[bit / 8] ^= 1 << UInt8(bit % 8)
        let frame = starts.lastIndex { $0 <= bit / 8 } ?? 0
        let place = JournalPlace(
          stream: "s", offset: UInt64(starts[frame]), frame: UInt64(frame))
        do {
          try RecordStore.verifySnapshot(named: "s", Self.reader(damaged))
          Issue.record("bit \(bit) was not noticed")
        } catch let error as SnapshotError {
          #expect(error.description.hasPrefix("\(place): "), "bit \(bit): \(error)")
        }
      }
    }
  }

  private static func end(ofFrameAt start: Int, in bytes: [UInt8]) -> Int {
    let stored = bytes.littleEndian(at: start + SnapshotLayout.Offset.storedLength, bytes: 4)
    return start + SnapshotLayout.headerBytes + Int(stored)
  }

  @Test func `a file that is none of ours is told from a damaged one and a later one`() throws {
    #expect(throws: SnapshotError.notASnapshot(JournalPlace(stream: "s", offset: 0, frame: 0))) {
      try RecordStore.verifySnapshot(
        named: "s", Self.reader(Array(repeating: UInt8(ascii: "x"), count: 500)))
    }
    try withReplica { replica in
      let (bytes, _) = try Self.snapshot(replica)
      var later = bytes
      later[SnapshotLayout.Offset.version] = 2
      let place = JournalPlace(stream: "s", offset: 0, frame: 0)
      // The checksum is judged first.
      #expect(
        throws: SnapshotError.corrupt(place, problem: "the header does not match its checksum")
      ) {
        try RecordStore.verifySnapshot(named: "s", Self.reader(later))
      }
      let end = SnapshotLayout.Offset.headerChecksum
      var checksum: [UInt8] = []
      checksum.appendLittleEndian(UInt64(Checksum.crc32c(of: later[..<end])), bytes: 4)
      later.replaceSubrange(end..<end + 4, with: checksum)
      #expect(throws: SnapshotError.unsupportedVersion(place, found: 2, supported: 1)) {
        try RecordStore.verifySnapshot(named: "s", Self.reader(later))
      }
    }
  }

  @Test func `what is there already is not touched, and a failed restore leaves nothing behind`()
    throws
  {
    try withTemporaryDirectory { directory in
      try withReplica { replica in
        try Self.fill(replica)
        let (bytes, _) = try Self.snapshot(replica)
        let path = "\(directory)/store"
        for length in [0, 10, 60, bytes.count / 2, bytes.count - 1] {
          #expect(throws: SnapshotError.self) {
            try RecordStore.restore(
              at: path, fromSnapshot: "s", Self.reader(Array(bytes[..<length])))
          }
          #expect(try DirectoryListing.names(directory).isEmpty)
        }
        try RecordStore.restore(at: path, fromSnapshot: "s", Self.reader(bytes))
        #expect(throws: SnapshotError.alreadyExists(path: path)) {
          try RecordStore.restore(at: path, fromSnapshot: "s", Self.reader(bytes))
        }
        #expect(try DirectoryListing.names(directory) == ["store"])
        let store = try RecordStore.open(at: path)
        #expect(try store.database.check().faults.isEmpty)
        try store.close()
      }
    }
  }
}
