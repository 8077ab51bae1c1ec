// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Salvaging hostile files: intact as far as any checksum tells, but made to mislead.
struct SalvageForgeryTests {
  private static let count = TestEnvironment.count("RECORD_STORE_FORGERIES", quick: 250)

  @Test(arguments: DamageTests.Kind.allCases)
  func `of a forged store comes a copy that opens and is intact`(
    _ kind: DamageTests.Kind
  ) throws {
    let subject = try kind.subject()
    let blocks = subject.usedBlocks
    var copies = 0
    for number in 0..<Self.count {
      let seed = TestEnvironment.seed &+ UInt64(number)
      var random = SplitMix64(seed: seed)
      var forgery = Forgery(subject.image, blocks: blocks)
      forgery.forge(&random)
      do {
        let copy = try TestStore()
        do {
          _ = try Database.salvage(from: SimulatedDisk(forgery.image), into: copy.database)
        } catch is EngineError {
          try copy.database.close()
          continue
        }
        try copy.checkTwiceAndClose()
        copies += 1
      } catch {
        Issue.record("RECORD_STORE_SEED=\(seed): \(error)")
      }
    }
    #expect(copies > Self.count / 2)
  }

  @Test
  func `a leaf that a forged branch names many times is copied once`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let tree = try store.database.write { try $0.createTree(named: "main") }
    try store.database.write { transaction in
      for number in 0..<2000 {
        let key = Array("\(number + 10_000)".utf8)
        try transaction.put([UInt8](repeating: 1, count: 60), forKey: key, in: tree)
      }
    }
    try store.database.close()
    let descriptor = try #require(store.database.published[tree.rawValue])
    #expect(descriptor.height == 2)
    let geometry = store.database.pager.geometry
    let blocks = stride(from: UInt64(0), to: disk.image.length, by: 4096).filter {
      !disk.image.isZero(4096, at: $0)
    }
    var forgery = Forgery(disk.image, blocks: blocks)
    var children = 0
    let buffer = try AlignedBuffer(count: 4096)
    forgery.change(geometry.offset(ofPage: descriptor.root.number)) { bytes in
      bytes.withBytes { buffer.copy($0, to: 0) }
      let page = buffer.page(at: 0)
      children = page.count
      for slot in 1..<page.count { page.setChild(slot, page.child(0)) }
      bytes = buffer.bytes(0, 4096).array
    }
    #expect(children > 10)
    try withStore { copy in
      let report = try Database.salvage(from: SimulatedDisk(forgery.image), into: copy.database)
      #expect(report.losses.count == children - 1)
      let found = report.trees[0]
      #expect(found.entries - found.strayEntries < 2000 / 5, "\(found)")
      // The others are found as leaves that nothing refers to.
      #expect(try copy.database.snapshot().count(of: tree) == 2000)
    }
  }
}
