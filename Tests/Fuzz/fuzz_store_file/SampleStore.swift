// SPDX-License-Identifier: Apache-2.0

import FuzzSupport
import StorageEngine
import TestSupport

/// Bytes to overwrite.
struct Patch {
  private static let headBytes = 3

  /// Which of the store's blocks, by its place among those that hold anything.
  let block: Int
  let offset: Int
  let bytes: [UInt8]

  /// The block; the offset's lower bits; its upper four bits and the count of bytes less one; then
  /// the bytes.
  var encoded: [UInt8] {
    [UInt8(block), UInt8(offset & 255), UInt8((offset & 0xF00) >> 4 | (bytes.count - 1))] + bytes
  }

  static func parse(_ input: [UInt8]) -> [Patch] {
    var patches: [Patch] = []
    var rest = input[...]
    // Mending is slow, and few changes are enough.
    while rest.count > headBytes, patches.count < 8 {
      let head = Array(rest.prefix(headBytes))
      let bytes = Array(rest.dropFirst(headBytes).prefix(Int(head[2] & 15) + 1))
      let offset = Int(head[1]) | Int(head[2] >> 4) << 8
      patches.append(Patch(block: Int(head[0]), offset: offset, bytes: bytes))
      rest = rest.dropFirst(headBytes + bytes.count)
    }
    return patches
  }

  func apply(to content: inout [UInt8]) {
    for (index, byte) in zip(offset..., bytes) where index < content.count {
      content[index] = byte
    }
  }
}

/// A small valid store.
struct SampleStore {
  static let trees = ["main", "other"]
  static let largeKey = Array("large".utf8)
  static let closed = SampleStore(hasLog: false)
  static let logged = SampleStore(hasLog: true)

  let image: DiskImage
  /// The places of the blocks that hold anything.
  let blocks: [UInt64]
  /// Ready to be copied and used.
  private let forgery: Forgery

  static func key(_ number: Int) -> [UInt8] { Array("key \(100 + number)".utf8) }

  static var configuration: Configuration { .testing(scheduler: ManualScheduler()) }

  private init(hasLog: Bool) {
    do {
      image = try Self.image(hasLog: hasLog)
    } catch {
      fatalError("a sample cannot be made: \(error)")
    }
    let image = image
    blocks = stride(from: 0, to: image.length, by: Forgery.pageBytes).filter {
      !image.isZero(Forgery.pageBytes, at: $0)
    }
    forgery = Forgery(image, blocks: blocks)
  }

  /// A store with two trees, values in every form, free pages, and what was overwritten.
  private static func image(hasLog: Bool) throws -> DiskImage {
    let disk = SimulatedDisk()
    var configuration = configuration
    configuration.logSalt = 7
    configuration.identity = [UInt8](repeating: 7, count: 16)
    let database = try Database.create(on: disk, configuration: configuration)
    try database.write { transaction in
      for name in trees { _ = try transaction.createTree(named: name) }
    }
    try fill(database, count: 100, value: 60, hasLarge: true)
    try database.checkpoint()
    try fill(database, count: 50, value: 70, hasLarge: true)
    try database.checkpoint()
    if hasLog {
      // Small ones: only a chunk of one block can be mended.
      for count in 1..<4 { try fill(database, count: count, value: 20, hasLarge: false) }
    } else {
      try database.close()
    }
    let image = disk.image
    disk.stop(atMutation: disk.mutations)
    return image
  }

  private static func fill(
    _ database: Database, count: Int, value: Int, hasLarge: Bool
  ) throws {
    try database.write { transaction in
      for name in trees {
        guard let tree = try transaction.tree(named: name) else { continue }
        for number in 0..<count {
          let bytes = [UInt8](repeating: UInt8(number), count: value)
          try transaction.put(bytes, forKey: key(number), in: tree)
        }
        guard hasLarge else { continue }
        let large = name == trees[0] ? 6000 : 66_000
        try transaction.put([UInt8](repeating: 5, count: large), forKey: largeKey, in: tree)
      }
    }
  }

  /// Patches that leave a block's header, and what follows it, as they are.
  func beginning(ofBlock block: Int) -> [Patch] {
    stride(from: 4, to: 132, by: 16).map { offset in
      let bytes = image.bytes(16, at: blocks[block] + UInt64(offset))
      return Patch(block: block, offset: offset, bytes: bytes)
    }
  }

  /// The store with some bytes changed.
  func patched(_ patches: [Patch], mendingChecksums: Bool) -> DiskImage {
    guard mendingChecksums else {
      var image = image
      for patch in patches {
        let block = blocks[patch.block % blocks.count]
        var content = image.bytes(Forgery.pageBytes, at: block)
        patch.apply(to: &content)
        image.write(content[...], at: block)
      }
      return image
    }
    var forgery = forgery
    for patch in patches {
      forgery.change(blocks[patch.block % blocks.count]) { patch.apply(to: &$0) }
    }
    return forgery.image
  }
}
