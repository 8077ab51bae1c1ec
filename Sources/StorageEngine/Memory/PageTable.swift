// SPDX-License-Identifier: Apache-2.0

import CStorageSystem

/// Where a page is in memory, and its checksum where that is newer than the one in its parent.
///
/// One word per page number of the file, so that a lookup is one load: bits 0–31 the checksum,
/// 32–59 the frame plus one (zero: not in memory), 62 dirty, 63 checksum known. Words are written
/// under the pool's lock and read without it.
@safe
struct PageTableEntry: BitwiseCopyable {
  /// Frames that can be told apart.
  static let mostFrames = 1 << 28 - 1

  var word: UInt64

  var frame: Int? {
    let frame = Int((word >> 32) & 0xFFF_FFFF)
    return frame == 0 ? nil : frame - 1
  }
  var isDirty: Bool { word & (1 << 62) != 0 }
  /// The checksum of the page as it was last written, if that happened since it was opened.
  var checksum: UInt32? { word & (1 << 63) != 0 ? UInt32(truncatingIfNeeded: word) : nil }

  static let absent = PageTableEntry(word: 0)

  static func dirty(frame: Int) -> PageTableEntry {
    PageTableEntry(word: UInt64(frame + 1) << 32 | 1 << 62)
  }

  static func clean(frame: Int?, checksum: UInt32) -> PageTableEntry {
    PageTableEntry(word: UInt64((frame ?? -1) + 1) << 32 | 1 << 63 | UInt64(checksum))
  }
}

/// The table of all pages.
///
/// Memory is reserved for the largest file and used as it grows.
final class PageTable: @unchecked Sendable {
  /// 2^28 pages: 2 TiB with pages of 8 KiB.
  static let maximumPages = 1 << 28
  private let memory: AlignedBuffer

  init() throws(EngineError) {
    memory = try AlignedBuffer(count: Self.maximumPages * 8)
  }

  @inline(__always)
  private func word(_ number: UInt64) -> UnsafeMutablePointer<UInt64> {
    unsafe (memory.base + Int(number) * 8).assumingMemoryBound(to: UInt64.self)
  }

  /// A number that no page can have, which only a forged file names, is never in memory.
  @inline(__always)
  subscript(number: UInt64) -> PageTableEntry {
    get {
      guard number < UInt64(Self.maximumPages) else { return .absent }
      return PageTableEntry(word: unsafe storage_load_acquire_u64(word(number)))
    }
    set {
      guard number < UInt64(Self.maximumPages) else { return }
      unsafe storage_store_release_u64(word(number), newValue.word)
    }
  }
}
