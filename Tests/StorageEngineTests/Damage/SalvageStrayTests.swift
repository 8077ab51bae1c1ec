// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Entries that are found in pages that nothing refers to any more.
struct SalvageStrayTests {
  /// A value that says whose it is.
  private static func value(_ key: Int, _ version: Int, _ count: Int) -> [UInt8] {
    var bytes = Array("key \(key) version \(version) ".utf8)
    while bytes.count < count { bytes += bytes }
    return Array(bytes.prefix(count))
  }

  private static func leaves(
    _ image: DiskImage, _ geometry: PageGeometry, where isWanted: (PageView) -> Bool = { _ in true }
  ) throws -> [UInt64] {
    var leaves: [UInt64] = []
    let pages = IntactPages(storage: SimulatedDisk(image), geometry: geometry, progress: {})
    try pages.forEach { number, page in
      if page.isLeaf, isWanted(page) { leaves.append(number) }
    }
    return leaves
  }

  /// Salvages an image and passes on the keys and values that the copy has in tree `main`.
  private static func forEachSalvaged(
    _ image: DiskImage, _ body: ([UInt8], [UInt8]) throws -> Void
  ) throws -> SalvageReport {
    try withStore { store in
      let report = try Database.salvage(from: SimulatedDisk(image), into: store.database)
      let view = try store.database.snapshot()
      defer { view.close() }
      let tree = try #require(try view.tree(named: "main"))
      let cursor = try view.cursor(in: tree)
      while try cursor.next() { try body(cursor.key, cursor.value()) }
      return report
    }
  }

  @Test(arguments: 0..<12)
  func `whatever leaf is damaged, a key has a value that it had once`(seed: UInt64) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    var random = SplitMix64(seed: 77 + seed)
    var history: [[UInt8]: Set<[UInt8]>] = [:]
    let tree = try store.database.write { try $0.createTree(named: "main") }
    for round in 0..<20 {
      try store.database.write { transaction in
        for version in 0..<6 {
          let number = random.below(60)
          let key = Array("k\(number)".utf8)
          let value = Self.value(number, round * 6 + version, 3000)
          history[key, default: []].insert(value)
          try transaction.put(value, forKey: key, in: tree)
        }
      }
      try store.database.checkpoint()
    }
    try store.database.close()
    let geometry = store.database.pager.geometry
    var wrong = 0
    var strays: UInt64 = 0
    for leaf in try Self.leaves(disk.image, geometry) {
      var damaged = disk.image
      damaged.flip(1, at: geometry.offset(ofPage: leaf) + 3000)
      let report = try Self.forEachSalvaged(damaged) { key, value in
        if history[key]?.contains(value) != true { wrong += 1 }
      }
      strays += report.trees[0].strayEntries
    }
    #expect(wrong == 0, "\(wrong) values were never those of their keys, seed \(seed)")
    #expect(strays > 0)
  }

  @Test
  func `pages of a stray value that another tree has now are not taken for it`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    let database = store.database
    let (main, other) = try database.write {
      (try $0.createTree(named: "main"), try $0.createTree(named: "other"))
    }
    func put(_ tree: TreeID, _ keys: Range<Int>, _ version: Int, _ count: Int) throws {
      try database.write { transaction in
        for key in keys {
          let value = Self.value(key, version, count)
          try transaction.put(value, forKey: Array("k\(key)".utf8), in: tree)
        }
      }
      try database.checkpoint()
    }
    try put(main, 0..<60, 1, 3000)
    // The leaf moves behind its values.
    try put(main, 59..<60, 2, 3000)
    // Their pages are free now, and given to another tree.
    try put(main, 0..<60, 3, 20)
    try put(main, 0..<1, 4, 20)
    try put(main, 0..<1, 5, 20)
    try put(other, 100..<130, 6, 3000)
    try database.close()
    let geometry = database.pager.geometry
    var damaged = disk.image
    // Only old leaves of the tree stay.
    let young = try Self.leaves(disk.image, geometry) { page in
      page.tree == main.rawValue && !(0..<page.count).contains { page.form($0) == .paged }
    }
    #expect(!young.isEmpty)
    for leaf in young { damaged.flip(1, at: geometry.offset(ofPage: leaf) + 3000) }
    let report = try Self.forEachSalvaged(damaged) { key, value in
      let own = "key \(String(decoding: key, as: UTF8.self).dropFirst()) "
      let isOwn = value.starts(with: own.utf8)
      #expect(isOwn, "\(own)has \(String(decoding: value.prefix(24), as: UTF8.self))")
    }
    #expect(report.trees[0].strayEntries > 0)
  }

  @Test(arguments: 0..<40)
  func `a key lies in merged ranges where it lies in one of them`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    func key() -> [UInt8] { (0..<random.below(3)).map { _ in UInt8(random.below(6)) } }
    for count in 0..<12 {
      let ranges = (0..<count).map { _ in
        KeyRange(
          from: random.chance(1, in: 8) ? nil : key(), upTo: random.chance(1, in: 8) ? nil : key())
      }
      let merged = KeyRanges(ranges)
      for _ in 0..<200 {
        let key = key()
        #expect(merged.contains(key) == ranges.contains { $0.contains(key) }, "\(ranges), \(key)")
      }
    }
  }
}
