// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport
import Testing

/// A store written when format 1 was fixed.
///
/// It is never written again: a program that cannot read it, or reads something else in it, has
/// changed the format.
struct GoldenStoreTests {
  private func bytes() throws -> [UInt8] {
    try SectorText.decode(SourceTree.text(GoldenStore.path))
  }

  @Test
  func `a store of version 1 is read as when it was written`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try Data(bytes()).write(to: URL(filePath: path))
      let database = try Database.open(at: path)
      let information = try database.information()
      #expect(information.identity == GoldenStore.identity)
      #expect(information.formatVersion == 1)
      #expect(information.pageBytes == 4096)
      let view = try database.snapshot()
      try GoldenStore.model.verify(view)
      view.close()
      #expect(try database.check().faults == [])
      try database.close()
    }
  }

  @Test
  func `a store of version 1 goes on living`() throws {
    let store = try TestStore(opening: SimulatedDisk(DiskImage(try bytes())))
    var model = GoldenStore.model
    try store.commit(
      [
        Workload.put("values", "new", [UInt8](repeating: 1, count: 80_000)),
        Workload.delete("values", "long runs"), Workload.put("empty", "k", [1]), .dropTree("late"),
      ], to: &model)
    try model.verify(try store.database.snapshot())
    try store.check()
    try store.reopen()
    try model.verify(try store.database.snapshot())
    try store.checkTwiceAndClose()
  }

  @Test
  func `the last transactions are in the log alone`() throws {
    // Without the first block of the log behind the checkpoint they are gone, and that is said.
    var model = Model()
    for changes in GoldenStore.checkpointed { model.apply(changes) }
    var image = DiskImage(try bytes())
    let chunks = stride(from: 8192, to: image.length, by: 4096).filter {
      image.bytes(4, at: $0 + 4) == Array("LOG1".utf8)
    }
    let first = try #require(chunks.dropLast(GoldenStore.logged.count - 1).last)
    image.zero(4096, at: first)
    let error = #expect(throws: EngineError.self) {
      _ = try TestStore(opening: SimulatedDisk(image))
    }
    guard case .corrupt(let damage)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(damage.structure.hasPrefix("log group"))
    for chunk in chunks where chunk >= first { image.zero(4096, at: chunk) }
    let store = try TestStore(opening: SimulatedDisk(image))
    try model.verify(try store.database.snapshot())
    try store.checkTwiceAndClose()
  }

  @Test
  func `text of sectors gives the same bytes back`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    var bytes = [UInt8](repeating: 0, count: 20_000)
    bytes.replaceSubrange(700..<1500, with: random.bytes(800))
    bytes.replaceSubrange(4096..<9000, with: repeatElement(7, count: 4904))
    bytes[19_999] = 1
    #expect(try SectorText.decode(SectorText.encode(bytes)) == bytes)
  }
}
