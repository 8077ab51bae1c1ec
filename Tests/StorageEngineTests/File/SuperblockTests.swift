// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Where a store begins: which of both superblocks counts, and what makes one count not at all.
struct SuperblockTests {
  private static let block = UInt64(Superblock.bytes)

  /// A closed store with an entry, and the same one before that was written.
  private func images() throws -> (before: DiskImage, after: DiskImage) {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    try store.commit([.createTree("main")])
    try store.database.checkpoint()
    let before = disk.image
    try store.commit([Workload.put("main", "k", [1])])
    try store.database.close()
    return (before, disk.image)
  }

  private func load(_ image: DiskImage, slot: Int) throws -> AlignedBuffer {
    let buffer = try AlignedBuffer(count: Superblock.bytes)
    unsafe image.read(into: buffer.buffer(0, Superblock.bytes), at: UInt64(slot) * Self.block)
    return buffer
  }

  private func store(_ buffer: AlignedBuffer, in image: inout DiskImage, slot: Int) {
    let page = buffer.page(at: 0)
    page.store32(page.bytes(4, Superblock.bytes - 4).checksum(), Superblock.Field.checksum)
    image.write(buffer.bytes(0, Superblock.bytes).array[...], at: UInt64(slot) * Self.block)
  }

  private func openError(_ image: DiskImage) -> EngineError? {
    do {
      _ = try Database.open(
        on: SimulatedDisk(image), configuration: .testing(scheduler: ManualScheduler()))
      return nil
    } catch {
      return error
    }
  }

  @Test
  func `no bit of a superblock may be wrong`() throws {
    let buffer = try load(try images().after, slot: 0)
    let page = buffer.page(at: 0)
    _ = try Superblock.decode(page)
    for bit in 0..<Superblock.bytes * 8 {
      let old = UInt8(buffer.bytes(bit / 8, 1)[0])
      [old ^ (1 << UInt8(bit % 8))].withBytes { buffer.copy($0, to: bit / 8) }
      #expect(throws: Superblock.Invalid.checksum) { _ = try Superblock.decode(page) }
      [old].withBytes { buffer.copy($0, to: bit / 8) }
    }
  }

  @Test(arguments: [0, 1])
  func `either superblock alone is enough`(_ lost: Int) throws {
    var image = try images().after
    image.zero(Superblock.bytes, at: UInt64(lost) * Self.block)
    let opened = try TestStore(opening: SimulatedDisk(image))
    let view = try opened.database.snapshot()
    #expect(try view.count(of: try #require(try view.tree(named: "main"))) == 1)
    view.close()
    try opened.checkTwiceAndClose()
  }

  @Test(arguments: [0, 1])
  func `a closed store needs neither its log nor one of its superblocks`(_ lost: Int) throws {
    var image = try images().after
    let chunks = stride(from: 2 * Self.block, to: image.length, by: 4096).filter {
      image.bytes(4, at: $0 + 4) == Array("LOG1".utf8)
    }
    #expect(!chunks.isEmpty)
    for chunk in chunks { image.zero(4096, at: chunk) }
    image.zero(Superblock.bytes, at: UInt64(lost) * Self.block)
    let opened = try TestStore(opening: SimulatedDisk(image))
    let view = try opened.database.snapshot()
    #expect(try view.count(of: try #require(try view.tree(named: "main"))) == 1)
    view.close()
    try opened.checkTwiceAndClose()
  }

  @Test
  func `without both there is no store, and it is said whether there was one`() throws {
    var image = try images().after
    for slot in 0..<2 { image.flip(1, at: UInt64(slot) * Self.block + 200) }
    guard case .corrupt? = openError(image) else {
      Issue.record("\(String(describing: openError(image)))")
      return
    }
    image.zero(Int(2 * Self.block), at: 0)
    #expect(openError(image) == .notAStore(path: "simulated disk"))
  }

  @Test
  func `the one written last counts`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    for number in 0..<5 {
      try store.commit([.createTree("\(number)")])
      try store.database.checkpoint()
      let selection = try SuperblockSelection.read(SimulatedDisk(disk.image))
      #expect(selection.newest.lsn == UInt64(number + 1))
      #expect(selection.older?.lsn == UInt64(number))
      #expect(selection.newest.sequence == UInt64(number + 3))
    }
    try store.checkTwiceAndClose()
  }

  @Test
  func `a superblock in the other's place does not count`() throws {
    let (before, after) = try images()
    // The older of the two, with a sequence that would make it the newest.
    let older = try load(before, slot: 0)
    let sequence = older.page(at: 0).load64(Superblock.Field.sequence)
    older.page(at: 0).store64(sequence + 100, Superblock.Field.sequence)
    var image = after
    store(older, in: &image, slot: Int((sequence + 101) % 2))
    let selection = try SuperblockSelection.read(SimulatedDisk(image))
    #expect(selection.newest.lsn == 2 && selection.older == nil)
    let opened = try TestStore(opening: SimulatedDisk(image))
    let view = try opened.database.snapshot()
    #expect(try view.count(of: try #require(try view.tree(named: "main"))) == 1)
    view.close()
    try opened.checkTwiceAndClose()
  }

  @Test(arguments: [0, 1])
  func `a later format is refused and named, even in one superblock`(_ slot: Int) throws {
    var image = try images().after
    let buffer = try load(image, slot: slot)
    buffer.page(at: 0).store32(Superblock.formatVersion + 1, Superblock.Field.version)
    store(buffer, in: &image, slot: slot)
    #expect(openError(image) == .unsupportedVersion(found: 2, supported: 1))
  }

  @Test
  func `superblocks of two stores are not mixed`() throws {
    var image = try images().after
    let buffer = try load(image, slot: 1)
    buffer.page(at: 0).store64(1, Superblock.Field.identity)
    store(buffer, in: &image, slot: 1)
    guard case .corrupt? = openError(image) else {
      Issue.record("\(String(describing: openError(image)))")
      return
    }
  }

  @Test
  func `a store is only created where there is nothing`() throws {
    let disk = SimulatedDisk(DiskImage([1]))
    let error = #expect(throws: EngineError.self) { _ = try TestStore(on: disk) }
    #expect(error == .alreadyExists(path: "simulated disk"))
    #expect(disk.image.bytes(1, at: 0) == [1] && disk.mutations == 0)
  }

  @Test
  func `a file that ends before what its superblock names is refused`() throws {
    var image = try images().after
    image.setLength(image.length - 4096)
    guard case .corrupt(let damage)? = openError(image) else {
      Issue.record("\(String(describing: openError(image)))")
      return
    }
    #expect(damage.structure == "the file")
  }
}
