// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Groups that a power cut left behind the end of the log.
struct StaleLogTests {
  private static let first = [Workload.put("main", "first", [1])]
  private static let second = [Workload.put("main", "second", [2])]

  /// Where the log goes on in the store on a disk.
  private func logEnd(_ disk: SimulatedDisk) throws -> UInt64 {
    let superblock = try SuperblockSelection.read(disk).newest
    let geometry = PageGeometry(pageBytes: superblock.pageBytes)
    return geometry.offset(ofExtent: superblock.log.extent) + UInt64(superblock.log.offset)
  }

  /// A store whose last two groups were written and not flushed, of which only the second is left.
  private func makeGap() throws -> (DiskImage, Model) {
    let store = try TestStore()
    var model = Model()
    try store.commit([.createTree("main")], to: &model)
    try store.database.checkpoint()
    let end = try logEnd(store.disk)
    for changes in [Self.first, Self.second] {
      try store.commit(changes, durability: .written)
    }
    var image = store.disk.image
    let isMissing = image.isZero(4096, at: end) || image.isZero(4096, at: end + 4096)
    #expect(!isMissing, "each group takes a block")
    image.zero(4096, at: end)
    return (image, model)
  }

  @Test
  func `what lay behind a lost group does not come back when that is written again`() throws {
    let (image, durable) = try makeGap()
    var model = durable
    let disk = SimulatedDisk(image)
    let store = try TestStore(opening: disk)
    try model.verify(try store.database.snapshot())
    try store.commit(Self.first, to: &model)
    let again = try TestStore(opening: disk.crashed(.loseAll))
    try model.verify(try again.database.snapshot())
    try again.checkTwiceAndClose()
  }

  @Test
  func `a last group that is read once and not again is no end of the log`() throws {
    let store = try TestStore()
    var model = Model()
    try store.commit([.createTree("main")], to: &model)
    try store.database.checkpoint()
    let place = try logEnd(store.disk) + UInt64(LogChunkHeader.bytes)
    let group = try SuperblockSelection.read(store.disk).newest.log.nextGroup
    try store.commit(Self.first, to: &model)
    let image = store.disk.image
    let storage = FlickeringStorage(
      SimulatedDisk(image), place..<place + 1, from: 1, .flippedBit)
    let error = #expect(throws: EngineError.self) {
      _ = try Database.open(on: storage, configuration: store.configuration)
    }
    guard case .corrupt(let damage)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(damage.structure == "log group \(group)")
    #expect(damage.problem == "could be read once and not a second time")
    // Nothing was made of it.
    let again = try TestStore(opening: SimulatedDisk(image))
    try model.verify(try again.database.snapshot())
    try again.checkTwiceAndClose()
  }
}
