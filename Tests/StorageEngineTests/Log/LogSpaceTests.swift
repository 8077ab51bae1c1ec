// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// What the log takes from the file, and what a transaction found in it must look like.
struct LogSpaceTests {
  @Test
  func `an extent with old content is cleared, durably, before the log may use it`() throws {
    let (disk, pager, fresh) = try makeSpace(filledExtents: 6)
    var log = fresh
    try log.reserve(payload: 3 << 20, pager: pager)
    #expect(log.ready.count >= 3)
    let durable = disk.crashed(.loseAll).image
    for extent in log.ready.dropFirst() {
      #expect(pager.map.owners[extent] == .log)
      let isZero = durable.isZero(1 << 20, at: pager.geometry.offset(ofExtent: extent))
      #expect(isZero, "extent \(extent)")
    }
  }

  @Test
  func `a large group goes into what the file grew by without clearing it`() throws {
    let (disk, pager, fresh) = try makeSpace(filledExtents: 3)
    var log = fresh
    try pager.resize(toExtents: 9)
    let before = disk.mutations
    try log.reserve(payload: 4 << 20, pager: pager)
    #expect(disk.mutations == before + 1, "one block, so that the file is long enough")
    let last = try #require(log.ready.max())
    #expect(disk.crashed(.loseAll).image.length >= pager.geometry.offset(ofExtent: last + 1))
    for extent in log.ready.dropFirst() {
      let isZero = disk.image.isZero(1 << 20, at: pager.geometry.offset(ofExtent: extent))
      #expect(isZero, "extent \(extent)")
    }
  }

  @Test
  func `a small group never goes where nothing was written before`() throws {
    let (disk, pager, fresh) = try makeSpace(filledExtents: 3)
    var log = fresh
    try pager.resize(toExtents: 8)
    try log.reserve(payload: 4 << 20, pager: pager)
    _ = log.place(payload: 4 << 20)
    let before = disk.mutations
    try log.reserve(payload: 100, pager: pager)
    #expect(disk.mutations == before + 1, "the rest of the extent is cleared")
    _ = log.place(payload: PageGeometry.extentBytes - log.offset - LogChunkHeader.bytes)
    try log.reserve(payload: 100, pager: pager)
    // And one behind it is made sure of.
    #expect(disk.mutations == before + 3, "the next extent is cleared when it is entered")
    try log.reserve(payload: 100, pager: pager)
    #expect(disk.mutations == before + 3)
  }

  @Test
  func `what the file gave back and grew by again is cleared`() throws {
    let (disk, pager, fresh) = try makeSpace(filledExtents: 6)
    var log = fresh
    // Cut off in the map, but not in the file yet.
    pager.map.trim(toExtents: 3)
    pager.map.grow(toExtents: 6)
    try log.reserve(payload: 3 << 20, pager: pager)
    for extent in log.ready.dropFirst() {
      let isZero = disk.image.isZero(1 << 20, at: pager.geometry.offset(ofExtent: extent))
      #expect(isZero, "extent \(extent)")
    }
  }

  /// A file full of old content, of which the log has extents 1 and 2.
  private func makeSpace(
    filledExtents: Int
  ) throws -> (disk: SimulatedDisk, pager: Pager, log: LogSpace) {
    let disk = SimulatedDisk(DiskImage([UInt8](repeating: 7, count: 8192 + filledExtents << 20)))
    let pager = try Pager(
      storage: disk, geometry: PageGeometry(pageBytes: 4096), cacheBytes: 4 << 20)
    pager.map.grow(toExtents: filledExtents)
    pager.map.noteWritten(filledExtents)
    pager.fileExtents = filledExtents
    for extent in 0..<3 { pager.map.setOwner(extent, extent == 0 ? .pages : .log) }
    let log = LogSpace(
      position: LogPosition(
        extent: 1, offset: 0, nextExtent: 2, nextGroup: 1, previousChecksum: 0))
    return (disk, pager, log)
  }

  @Test
  func `pages of a large value that only the log names are not given out in recovery`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    var model = Model()
    try store.commit([.createTree("main")], to: &model)
    try store.database.checkpoint()
    // The large value takes its pages first, the others are applied before it.
    let large = Workload.put("main", "z", [UInt8](repeating: 1, count: 200_000))
    let small = (0..<300).map { number in
      Workload.put("main", Workload.key(0, number), [UInt8](repeating: 2, count: 500))
    }
    try store.commit([large] + small, to: &model)
    let recovered = try TestStore(opening: disk.crashed(.loseAll))
    try model.verify(try recovered.database.snapshot())
    try recovered.checkTwiceAndClose()
  }

  @Test(arguments: [-1, 1])
  func `a transaction that does not follow the one before it is damage`(_ step: Int) throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")])
    try store.database.checkpoint()
    try store.commit([Workload.put("main", "k", [1])])
    var image = disk.image
    let chunk = try #require(
      stride(from: UInt64(8192), to: image.length, by: 4096).filter { place in
        image.bytes(4, at: place + 4) == Array("LOG1".utf8)
      }.last)
    let buffer = try AlignedBuffer(count: 4096)
    unsafe image.read(into: buffer.buffer(0, 4096), at: chunk)
    let page = buffer.page(at: 0)
    let place = LogChunkHeader.bytes + 8
    page.store64(UInt64(Int(page.load64(place)) + step), place)
    let payload = Int(page.load32(LogChunkHeader.Field.payloadBytes))
    let checksum = page.bytes(4, LogChunkHeader.bytes + payload - 4).checksum()
    page.store32(checksum, LogChunkHeader.Field.checksum)
    image.write(buffer.bytes(0, 4096).array[...], at: chunk)
    let error = #expect(throws: EngineError.self) {
      _ = try TestStore(opening: SimulatedDisk(image))
    }
    guard case .corrupt(let damage)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(damage.problem.contains("holds transaction"))
  }
}
