// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// A map directory with intact checksums that does not list one page for each part of the map.
///
/// A random forgery with a reference to page 0 once ended the process at the next checkpoint.
struct MapForgeryTests {
  enum Forgery: CaseIterable {
    case noPage, missing, onePageTooMany, chain
  }

  @Test(arguments: Forgery.allCases)
  func `a map that is not one page for each part is refused`(_ forgery: Forgery) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main"), Workload.put("main", "k", [1])])
    try store.database.close()
    let image = SimulatedDisk(disk.image)
    var superblock = try SuperblockSelection.read(image).newest
    let pager = try Pager(
      storage: image, geometry: PageGeometry(pageBytes: 4096), cacheBytes: 4 << 20)
    pager.map.grow(toExtents: superblock.extentCount)
    let map = try MapLoader(pager: pager).load(superblock, into: &pager.map)
    superblock.map = try write(map, forgery, pager)
    for _ in 0..<2 {
      superblock.sequence += 1
      try image.write(superblock, using: pager.staging)
    }
    let error = #expect(throws: EngineError.self) {
      let store = try TestStore(opening: SimulatedDisk(image.image))
      try store.commit([Workload.put("main", "more", [1])])
      try store.database.checkpoint()
    }
    guard case .corrupt? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  private func write(
    _ map: PersistedMap, _ forgery: Forgery, _ pager: Pager
  ) throws -> PageReference {
    let none = PageReference(number: 0, checksum: 0)
    var pages = map.mapPages
    switch forgery {
    case .noPage: pages = [none]
    case .missing: pages = []
    case .onePageTooMany: pages.append(pages[0])
    case .chain:
      let behind = try pager.writeChained(
        .extentMap, number: 200, birth: 0, payload: [], next: none, buffer: pager.staging)
      pages[0] = try pager.writeChained(
        .extentMap, number: pages[0].number, birth: 0, payload: map.payloads[0], next: behind,
        buffer: pager.staging)
    }
    let payload = MapDirectory.encode(pages, limit: pager.geometry.valueBytesPerPage).first ?? []
    return try pager.writeChained(
      .mapDirectory, number: map.directoryPages[0], birth: 0, payload: payload, next: none,
      buffer: pager.staging)
  }
}
