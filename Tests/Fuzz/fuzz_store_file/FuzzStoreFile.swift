// SPDX-License-Identifier: Apache-2.0

import FuzzSupport
import StorageEngine
import TestSupport

/// Changes a small store as arbitrary bytes say, opens it, checks it, reads all of it, and writes
/// to it.
///
/// The first byte chooses whether everything is in the pages or also in the log, whether the
/// checksums are made right afterwards, so that what lies behind them is reached, whether the file
/// is cut short, and whether it is written to. Typed errors are all that may happen; a store that
/// is refused must be left so that it is refused again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzStoreFile(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let input = unsafe FuzzInput(start, count) else { return 0 }
  let sample = input.choice & 1 == 0 ? SampleStore.closed : SampleStore.logged
  var bytes = input.bytes
  let isCut = input.choice & 8 != 0 && bytes.count >= 2
  let length = isCut ? UInt64(bytes[0]) << 8 | UInt64(bytes[1]) : 0
  if isCut { bytes.removeFirst(2) }
  let patches = Patch.parse(bytes)
  var image = sample.patched(patches, mendingChecksums: input.choice & 2 == 0)
  if isCut { image.setLength(min(length * 512, image.length)) }
  let disk = SimulatedDisk(image, capacity: 16 << 20)
  attempt { try use(disk, writing: input.choice & 4 != 0) }
  require(disk.violations.isEmpty, "\(disk.violations)")
  return 0
}

/// A change in each block of either store, and the beginning of each as it is, to be changed.
@_cdecl("LLVMFuzzerInitialize")
public func plantSeeds(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) -> CInt {
  var seeds: [[UInt8]] = [[0], [1], [4], [5], [12, 8, 16], [9, 8, 16]]
  for (choice, sample) in [(UInt8(0), SampleStore.closed), (1, SampleStore.logged)] {
    for block in sample.blocks.indices {
      seeds.append([choice] + Patch(block: block, offset: 4, bytes: [1]).encoded)
      seeds.append([choice | 4] + Patch(block: block, offset: 72, bytes: [0, 0, 0, 0]).encoded)
      seeds.append([choice | 4] + sample.beginning(ofBlock: block).flatMap(\.encoded))
    }
    seeds.append([choice | 2] + Patch(block: 1, offset: 64, bytes: [255]).encoded)
  }
  SeedCorpus.plant(seeds)
  return 0
}

private func use(_ disk: SimulatedDisk, writing: Bool) throws {
  let database: Database
  do {
    database = try open(disk)
  } catch {
    if disk.mutations > 0 { expect(error, opening: disk.reopened()) }
    throw error
  }
  attempt { _ = try database.check() }
  attempt { try read(try database.snapshot()) }
  if writing {
    for name in SampleStore.trees { attempt { try write(to: database, name) } }
    attempt { try database.checkpoint() }
    attempt {
      try database.write { transaction in
        for name in SampleStore.trees {
          if let tree = try transaction.tree(named: name) { try transaction.dropTree(tree) }
        }
      }
    }
    attempt { _ = try database.check() }
  }
  attempt { try database.close() }
}

private func open(_ disk: SimulatedDisk) throws(EngineError) -> Database {
  try Database.open(on: disk, configuration: SampleStore.configuration)
}

private func expect(_ error: EngineError, opening disk: SimulatedDisk) {
  do {
    _ = try open(disk)
    require(false, "a store is opened that was refused: \(error)")
  } catch let again {
    require(again == error, "a store is refused for another reason: \(error), then \(again)")
  }
}

private func write(to database: Database, _ name: String) throws {
  try database.write { transaction in
    guard let tree = try transaction.tree(named: name) else { return }
    _ = try transaction.count(of: tree)
    for number in stride(from: 0, to: 100, by: 3) {
      let key = SampleStore.key(number)
      if number % 2 == 0 {
        try transaction.delete(key, in: tree)
      } else {
        try transaction.put([UInt8](repeating: 1, count: number * 20), forKey: key, in: tree)
      }
    }
    try transaction.put([1], forKey: SampleStore.largeKey, in: tree)
  }
}

private func read(_ reader: any TreeReader) throws {
  for (_, tree) in try reader.trees() {
    for reversed in [false, true] {
      attempt {
        let cursor = try reader.cursor(in: tree, range: .all, reversed: reversed)
        var steps = 0
        while try cursor.next() {
          _ = try cursor.value()
          steps += 1
          require(steps < 100_000, "a cursor goes on without end")
        }
      }
    }
    for number in stride(from: 0, to: 100, by: 7) {
      attempt { _ = try reader.value(forKey: SampleStore.key(number), in: tree) }
    }
    attempt { _ = try reader.value(forKey: SampleStore.largeKey, in: tree) }
  }
}

private func attempt(_ body: () throws -> Void) {
  do {
    try body()
  } catch {
    require(error is EngineError, "not a typed error: \(error)")
  }
}
