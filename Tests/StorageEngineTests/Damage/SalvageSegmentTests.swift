// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Numbers of records in a segment that was salvaged.
struct SalvageSegmentTests {
  /// Records that were written before, in a closed store.
  private struct Subject {
    let image: DiskImage
    let geometry: PageGeometry
    let segment: SegmentID
    let written: [RecordID: [UInt8]]

    init() throws {
      var written: [RecordID: [UInt8]] = [:]
      let disk = SimulatedDisk()
      let store = try TestStore(on: disk)
      let database = store.database
      let segment = try database.write { try $0.createSegment(named: "s") }
      for round in 0..<20 {
        try database.write { transaction in
          for number in 0..<50 {
            let bytes = Array("record \(round * 50 + number) of a segment with many".utf8)
            written[try transaction.insert(bytes, into: segment)] = bytes
          }
        }
        if round % 5 == 4 { try database.checkpoint() }
      }
      try database.close()
      self.written = written
      self.segment = segment
      image = disk.image
      geometry = database.pager.geometry
    }

    /// The leaves of all times, the first of the segment in front.
    func leaves() throws -> [(birth: UInt64, number: UInt64, first: [UInt8])] {
      var leaves: [(birth: UInt64, number: UInt64, first: [UInt8])] = []
      let pages = IntactPages(storage: SimulatedDisk(image), geometry: geometry, progress: {})
      try pages.forEach { number, page in
        if page.isLeaf, page.count > 0 { leaves.append((page.birth, number, page.key(0))) }
      }
      return leaves.sorted { $0.first.lexicographicallyPrecedes($1.first) }
    }

    func damaged(_ pages: [UInt64]) -> DiskImage {
      var damaged = image
      for page in pages { damaged.flip(1, at: geometry.offset(ofPage: page) + 3900) }
      return damaged
    }

    /// Expects that no new record gets the number of one that was rescued; nor, where `all` are
    /// meant, of one that was lost.
    func checkNumbers(_ image: DiskImage, all: Bool) throws {
      try withStore { copy in
        let report = try Database.salvage(from: SimulatedDisk(image), into: copy.database)
        #expect(!report.isComplete)
        try copy.reopen()
        let before = try copy.database.snapshot()
        var kept: [RecordID: [UInt8]] = [:]
        for (record, bytes) in written {
          guard let found = try before.read(record) else { continue }
          #expect(found == bytes)
          kept[record] = bytes
        }
        before.close()
        #expect(!kept.isEmpty)
        let new = try copy.database.write { transaction in
          try (0..<300).map { _ in try transaction.insert([7], into: segment) }
        }
        #expect(Set(new).isDisjoint(with: all ? Set(written.keys) : Set(kept.keys)))
        let after = try copy.database.snapshot()
        for (record, bytes) in kept { #expect(try after.read(record) == bytes) }
        after.close()
      }
    }
  }

  @Test
  func `where the bound of numbers is lost, a new record does not replace a rescued one`() throws {
    let subject = try Subject()
    let bounds = try subject.leaves().filter { $0.first == SegmentTree.boundKey }
    let youngest = try #require(bounds.max { $0.birth < $1.birth })
    // Only the present one, so that an older one is found, and every one.
    try subject.checkNumbers(subject.damaged([youngest.number]), all: true)
    try subject.checkNumbers(subject.damaged(bounds.map(\.number)), all: true)
  }

  @Test
  func `where the last records and the bound are lost, their numbers are not given again`() throws {
    let subject = try Subject()
    let leaves = try subject.leaves()
    let last = try #require(leaves.last).first
    let pages = leaves.filter { $0.first == SegmentTree.boundKey || $0.first == last }
    try subject.checkNumbers(subject.damaged(pages.map(\.number)), all: true)
  }

  @Test
  func `where the log is lost, the numbers that it gave are not given again`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let segment = try store.database.write { try $0.createSegment(named: "s") }
    var records: [RecordID] = []
    for number in 0..<1000 {
      if number == 100 { try store.database.checkpoint() }
      let record = try store.database.write { try $0.insert([UInt8(number % 251)], into: segment) }
      records.append(record)
    }
    let newest = try SuperblockSelection.read(disk).newest
    let geometry = PageGeometry(pageBytes: newest.pageBytes)
    var withoutLog = disk.image
    withoutLog.flip(
      1, at: geometry.offset(ofExtent: newest.log.extent) + UInt64(newest.log.offset) + 70)
    var withoutSuperblocks = disk.image
    withoutSuperblocks.write([UInt8](repeating: 0, count: 8192)[...], at: 0)
    for image in [withoutLog, withoutSuperblocks] {
      try withStore { copy in
        _ = try Database.salvage(from: SimulatedDisk(image), into: copy.database)
        let new = try copy.database.write { try $0.insert([7], into: segment) }
        #expect(!records.contains(new))
      }
    }
    try store.checkTwiceAndClose()
  }

  @Test
  func `where a segment is lost, a new record does not take the number of one in doubt`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let segment = try store.database.write { try $0.createSegment(named: "s") }
    // As if it had given many already.
    try store.database.write { work in
      try work.put(SegmentTree.bound(1 << 40), forKey: SegmentTree.boundKey, in: segment.tree)
    }
    let transaction = try store.database.begin()
    let record = try transaction.insert([1], into: segment)
    let prepared = try transaction.prepare()
    prepared.leaveInDoubt()
    try store.database.checkpoint()
    let geometry = store.database.pager.geometry
    var damaged = disk.image
    let pages = IntactPages(storage: disk, geometry: geometry, progress: {})
    try pages.forEach { number, page in
      if page.tree == segment.rawValue {
        damaged.flip(1, at: geometry.offset(ofPage: number) + 3000)
      }
    }
    try withStore { copy in
      let report = try Database.salvage(from: SimulatedDisk(damaged), into: copy.database)
      // Only the bound of its numbers, which is made anew.
      #expect(report.trees.allSatisfy { $0.name != "segment/s" || $0.entries <= 1 })
      try copy.reopen()
      let new = try copy.database.write { try $0.insert([7], into: segment) }
      #expect(new.number > record.number)
      try copy.database.decide(.commit, on: prepared.number)
      let view = try copy.database.snapshot()
      defer { view.close() }
      #expect(try view.read(record) == [1])
      #expect(try view.read(new) == [7])
    }
    try store.checkTwiceAndClose()
  }
}
