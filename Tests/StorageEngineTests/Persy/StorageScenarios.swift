// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport
import Testing

/// Section 9 of the scenarios of the Rust engine Persy: the file, its pages and their damage.
struct StorageScenarios {
  enum Medium: CaseIterable { case file, memory, simulatedDisk }

  private func withDatabase(_ medium: Medium, _ body: (Database) throws -> Void) throws {
    var configuration = Configuration()
    configuration.cacheBytes = 4 << 20
    switch medium {
    case .file:
      try withTemporaryDirectory { directory in
        try body(Database.create(at: directory + "/store", configuration: configuration))
      }
    case .memory: try body(Database.inMemory(configuration: configuration))
    case .simulatedDisk:
      try body(Database.create(on: SimulatedDisk(), configuration: configuration))
    }
  }

  @Test(arguments: Medium.allCases)
  func `Persy 69: pages go to every medium and come back, freed ones too`(
    _ medium: Medium
  ) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withDatabase(medium) { database in
      let segment = try database.makeSegment()
      var expected: [RecordID: [UInt8]] = [:]
      for round in 0..<6 {
        try database.transact { transaction in
          for (record, _) in expected where record.number % 3 == round % 3 {
            try transaction.delete(record)
            expected[record] = nil
          }
          for _ in 0..<300 {
            // More than the cache holds.
            let content = random.bytes(random.below(8000))
            expected[try transaction.insert(content, into: segment)] = content
          }
        }
        try database.checkpoint()
        #expect(try database.read { try $0.records(of: segment) } == expected)
      }
      #expect(try database.check().isIntact)
      try database.close()
    }
  }

  /// Ours gives a freed page out again when no snapshot and no superblock can reach what it held;
  /// the order is that of the file, which keeps it dense.
  @Test
  func `Persy 70: after random operations no page is both free and in use`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withStore { store in
      let segment = try store.database.makeSegment()
      var records: [RecordID] = []
      var views: [Snapshot] = []
      for _ in 0..<60 {
        try store.database.transact { transaction in
          for _ in 0..<40 {
            if !records.isEmpty, random.chance(1, in: 2) {
              try transaction.delete(records.remove(at: random.below(records.count)))
            } else {
              let size = random.below(random.chance(1, in: 20) ? 200_000 : 3000)
              records.append(try transaction.insert(random.bytes(size), into: segment))
            }
          }
        }
        if random.chance(1, in: 4) { views.append(try store.database.snapshot()) }
        if random.chance(1, in: 4), !views.isEmpty { views.removeFirst().close() }
        if random.chance(1, in: 3) { try store.database.checkpoint() }
        try store.check()
      }
      for view in views { view.close() }
    }
  }

  /// Ours keeps a few free extents at the end as long as it is open, so that it can grow again.
  @Test
  func `Persy 71: when everything is deleted the file shrinks, by itself and when it is compacted`()
    throws
  {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withStore { store in
      let kept = try store.database.makeRecord()
      let segment = kept.segment
      let empty = try store.database.compact().bytesAfter
      // One transaction for all would leave as much log, which is kept for the next of its kind.
      var parts: [[RecordID]] = []
      for _ in 0..<40 {
        parts.append(
          try store.database.transact { transaction in
            try (0..<200).map { _ in
              try transaction.insert([UInt8](repeating: 7, count: 3000), into: segment)
            }
          })
        store.scheduler.runAll()
      }
      try store.database.checkpoint()
      let full = try store.database.information().fileBytes
      #expect(full > 24_000_000)
      for records in parts {
        try store.database.transact { transaction in
          for record in records { try transaction.delete(record) }
        }
        store.scheduler.runAll()
      }
      // Pages are moved, and extents cut off, with the checkpoints that come as it is used.
      for _ in 0..<40 {
        let content = random.bytes(60_000)
        try store.database.transact { transaction in
          try transaction.delete(try transaction.insert(content, into: segment))
          try transaction.update(kept, to: content)
        }
        store.scheduler.runAll()
      }
      #expect(try store.database.information().fileBytes < full / 2)
      #expect(try store.database.compact().bytesAfter <= empty + 1 << 20)
      #expect(try store.database.read { try $0.count(of: segment) } == 1)
    }
  }

  @Test(arguments: DamageTests.Kind.allCases)
  func `Persy 72: a flipped bit is an error or harmless, and never wrong data`(
    _ kind: DamageTests.Kind
  ) throws {
    let subject = try kind.subject()
    var random = SplitMix64(seed: TestEnvironment.seed)
    let blocks = subject.usedBlocks
    var trial = DamageTrial(subject)
    for _ in 0..<400 {
      let place = blocks[random.below(blocks.count)] + UInt64(random.below(4096))
      let bit = UInt8(random.below(8))
      trial.attempt("bit \(bit) of byte \(place)") { $0.flip(1 << bit, at: place) }
    }
    trial.publish()
  }

  @Test
  func `Persy 73: the older superblock takes the place of the newest, and neither is an error`()
    throws
  {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let record = try store.database.makeRecord()
    try store.database.checkpoint()
    try store.database.transact { try $0.update(record, to: bytes("new")) }
    try store.database.checkpoint()
    for damaged in [[UInt64(0)], [4096], [0, 4096]] {
      for damage in 0..<3 {
        var image = disk.image
        for place in damaged {
          switch damage {
          case 0: image.zero(4096, at: place)
          case 1: image.flip(1, at: place + 50)
          default: image.write([UInt8](repeating: 0xFF, count: 4096)[...], at: place)
          }
        }
        let cut = SimulatedDisk(image)
        defer { cut.stop(atMutation: cut.mutations) }
        guard damaged.count == 1 else {
          #expect(throws: EngineError.self) {
            _ = try Database.open(on: cut, configuration: store.configuration)
          }
          continue
        }
        let database = try Database.open(on: cut, configuration: store.configuration)
        #expect(try database.committed(record) == bytes("new"))
      }
    }
  }

  /// What opening takes is bounded: the map of the extents, and a look for the end of the log in
  /// the two extents where it may be, block by block and twice.
  @Test
  func `Persy 74: opening takes no more calls of the disk when many pages are free`() throws {
    let bound = 4 * (1 << 20) / 4096 + 100
    for leavesFree in [false, true] {
      let disk = SimulatedDisk()
      let store = try TestStore(on: disk)
      let segment = try store.database.makeSegment()
      var records: [RecordID] = []
      for _ in 0..<20 {
        records += try store.database.transact { transaction in
          try (0..<800).map { _ in
            try transaction.insert([UInt8](repeating: 7, count: 3000), into: segment)
          }
        }
      }
      if leavesFree {
        try store.database.transact { transaction in
          for record in records where record.number % 50 != 0 { try transaction.delete(record) }
        }
      }
      try store.database.close()
      let before = disk.calls
      let database = try Database.open(on: disk.reopened(), configuration: store.configuration)
      #expect(disk.calls - before < bound)
      if leavesFree { #expect(try database.information().freeBytes / 4096 > 10 * UInt64(bound)) }
      try database.close()
    }
  }
}
