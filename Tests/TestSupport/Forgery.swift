// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine

/// Changes a store as someone would who knows the format and means harm: with every checksum made
/// to fit again, up to the superblocks.
///
/// Written from docs/FORMAT.md, not from the engine's sources.
public struct Forgery: Sendable {
  /// Bytes of a block: of a page, a superblock, and the unit of the log.
  public static let pageBytes = 4096
  private static let superblockBytes = 4096
  /// The places of blocks that hold anything, superblocks first.
  private let blocks: [UInt64]
  private var content: [UInt64: [UInt8]] = [:]
  /// Blocks that are not in the image yet.
  private var changed: Set<UInt64> = []
  /// Blocks replaced for one change: a circle of references could be mended for ever.
  private var replacements = 0
  /// The store, as far as it was forged.
  public private(set) var image: DiskImage

  /// Takes a store whose `blocks` may be changed.
  public init(_ image: DiskImage, blocks: [UInt64]) {
    self.image = image
    self.blocks = blocks
    for block in blocks { content[block] = image.bytes(Self.pageBytes, at: block) }
  }

  /// Changes the bytes of a block, and mends its checksum and every one above it.
  public mutating func change(_ block: UInt64, _ change: (inout [UInt8]) -> Void) {
    guard var bytes = content[block] else { return }
    replacements = 0
    change(&bytes)
    replace(block, with: bytes)
    publish()
  }

  /// Changes some bytes of some structures and mends every checksum above them.
  public mutating func forge(_ random: inout SplitMix64) {
    for _ in 0..<(1 + random.below(3)) {
      let block = blocks[random.below(blocks.count)]
      guard var bytes = content[block] else { continue }
      replacements = 0
      // Where there is a log, its payload is longer than a block; its header is what counts.
      for _ in 0..<(1 + random.below(3)) { Self.damage(&bytes, &random) }
      replace(block, with: bytes)
    }
    publish()
  }

  private mutating func publish() {
    for block in changed {
      if let bytes = content[block] { image.write(bytes[...], at: block) }
    }
    changed = []
  }

  /// Puts something into a place that is likely to matter.
  private static func damage(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
    let isHeader = random.chance(1, in: 2)
    var place = isHeader ? 4 + random.below(140) : 4 + random.below(bytes.count - 12)
    if random.chance(1, in: 2) { place &= ~3 }
    let extremes: [UInt64] = [
      0, 1, 2, 3, 7, 0x7F, 0xFF, 0x100, 0xFFF, 0x1000, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF,
      1 << 32, (1 << 63) - 1, 1 << 63, .max, .max - 1,
    ]
    switch random.below(5) {
    case 0: bytes[place] ^= 1 << UInt8(random.below(8))
    case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
    case 2:
      let near = bytes[place]
      bytes[place] = random.chance(1, in: 2) ? near &+ 1 : near &- 1
    default:
      let width = 1 << random.below(4)
      let value = extremes[random.below(extremes.count)]
      for index in 0..<width where place + index < bytes.count {
        bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
      }
    }
  }

  private mutating func replace(_ block: UInt64, with bytes: [UInt8]) {
    var bytes = bytes
    let old = Self.load32(content[block] ?? bytes, 0)
    let checksum = Self.checksum(of: bytes)
    Self.store32(checksum, &bytes, 0)
    content[block] = bytes
    changed.insert(block)
    replacements += 1
    guard block >= UInt64(2 * Self.superblockBytes), checksum != old, replacements < 1000 else {
      return
    }
    let number = (block - 8192) / UInt64(Self.pageBytes)
    mendReferences(to: number, old: old, new: checksum)
    if Self.isChunk(bytes) { mendChain(old: old, new: checksum) }
  }

  /// Gives every reference to a page its new checksum, and so on upwards.
  private mutating func mendReferences(to number: UInt64, old: UInt32, new: UInt32) {
    var pattern = (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    pattern += (0..<4).map { UInt8(truncatingIfNeeded: old >> UInt32(8 * $0)) }
    for block in blocks {
      guard var bytes = content[block] else { continue }
      let places = Self.places(of: pattern, in: bytes)
      for place in places { Self.store32(new, &bytes, place + 8) }
      var isChanged = !places.isEmpty
      // A superblock has the catalog's checksum in front of its number.
      if block < 8192, Self.load32(bytes, 68) == old,
        bytes[72..<80].elementsEqual(pattern[..<8])
      {
        Self.store32(new, &bytes, 68)
        isChanged = true
      }
      if isChanged { replace(block, with: bytes) }
    }
  }

  /// Where `pattern` stands in `bytes`, behind the checksum.
  ///
  /// Most of the time of a forgery is spent here.
  private static func places(of pattern: [UInt8], in bytes: [UInt8]) -> [Int] {
    var places: [Int] = []
    unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      var place = 4
      while place + pattern.count <= buffer.count,
        let found = unsafe memchr(base + place, Int32(pattern[0]), buffer.count - place)
      {
        place = unsafe UnsafeRawPointer(found) - base
        if unsafe buffer[place...].starts(with: pattern) { places.append(place) }
        place += 1
      }
    }
    return places
  }

  /// The next chunk of a log names the checksum of the one before it.
  private mutating func mendChain(old: UInt32, new: UInt32) {
    for block in blocks {
      guard var bytes = content[block], Self.isChunk(bytes), Self.load32(bytes, 36) == old else {
        continue
      }
      Self.store32(new, &bytes, 36)
      replace(block, with: bytes)
    }
  }

  private static func isChunk(_ bytes: [UInt8]) -> Bool {
    load32(bytes, 4) == 0x3147_4F4C
  }

  /// Pages are checksummed whole; chunks as far as their payload reaches.
  private static func checksum(of bytes: [UInt8]) -> UInt32 {
    var end = bytes.count
    if isChunk(bytes) { end = min(end, 64 + Int(load32(bytes, 24))) }
    return Checksum.crc32c(of: bytes[4..<max(4, end)])
  }

  private static func load32(_ bytes: [UInt8], _ place: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
  }

  private static func store32(_ value: UInt32, _ bytes: inout [UInt8], _ place: Int) {
    for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
  }
}
