// SPDX-License-Identifier: Apache-2.0

/// Byte offsets shared by every page, as tabled in docs/FORMAT.md, section 1.3.
///
/// Invariants of a slotted page (leaf or branch):
/// - heads begin at `headerBytes`, one per slot, directly followed by the slots, in key order;
/// - the heap grows down from the end of the page to `heapStart`;
/// - every key of the page begins with the page's prefix, which is stored once, in the heap;
/// - a head is the first eight bytes of the key behind the prefix, big-endian, zero-padded.
enum PageLayout {
  static let checksum = 0  // UInt32, CRC-32C of everything behind it
  static let kind = 4  // UInt8
  static let level = 5  // UInt8, 0 in leaves
  static let count = 6  // UInt16, slots in use
  static let number = 8  // UInt64, the page's own number
  static let birth = 16  // UInt64, LSN of the first commit that could see it
  static let tree = 24  // UInt32
  static let heapStart = 28  // UInt32
  static let heapGarbage = 32  // UInt32, bytes of the heap that nothing refers to
  static let prefixOffset = 36  // UInt32
  static let prefixLength = 40  // UInt16
  static let appendRun = 42  // UInt16, how many inserts in a row came at the end
  static let nextPage = 44  // UInt64, unaligned: chained pages only
  static let nextChecksum = 52  // UInt32: chained pages only
  static let payloadBytes = 56  // UInt32: chained and value pages only
  static let headerBytes = 64

  static let headBytes = 8
  static let slotBytes = 8

  /// A child reference in a branch and in a paged value: page number, checksum, four zero bytes.
  static let referenceBytes = 16
}

/// What a page holds.
enum PageKind: UInt8 {
  /// Slots with keys and values.
  case leaf = 1
  /// Slots with separators and child references.
  case branch = 2
  /// A piece of a value that is too long for its leaf.
  case value = 3
  /// The list of runs of a large value.
  case runList = 4
  /// The names and roots of all trees, as a chain of pages.
  case catalog = 5
  /// Owner and allocation bitmap of a range of extents.
  case extentMap = 6
  /// References to all extent map pages, as a chain of pages.
  case mapDirectory = 7
}

/// How the value bytes of a leaf slot are to be read.
enum ValueForm: UInt16 {
  /// They are the value.
  case inline = 0
  /// They list value pages.
  case paged = 1
  /// They list runs of raw pages.
  case runs = 2
}

/// A page number and the checksum its bytes must have.
struct PageReference: Equatable, BitwiseCopyable {
  var number: UInt64
  var checksum: UInt32
}

/// Sizes that follow from the page size.
struct PageGeometry: Equatable, Sendable {
  static let maximumPageBytes = 1 << 16
  static let extentBytes = 1 << 20
  /// Both superblocks; extents follow.
  static let prologueBytes = 8192
  static let maximumKeyBytes = 1024
  static let maximumValueBytes = 1 << 30
  /// Values above this are written to runs of pages before the commit; the log names them.
  static let directValueBytes = 64 << 10
  /// Branch levels are counted in a byte and a tree of this height cannot be filled.
  static let maximumHeight = 24

  let pageBytes: Int

  var pagesPerExtent: Int { Self.extentBytes / pageBytes }
  /// A key and its value share at most this many bytes of a leaf.
  var maximumInlineBytes: Int { pageBytes / 4 }
  var valueBytesPerPage: Int { pageBytes - PageLayout.headerBytes }

  func offset(ofPage number: UInt64) -> UInt64 {
    // A forged number wraps around, and is refused where the page is read.
    UInt64(Self.prologueBytes) &+ number &* UInt64(pageBytes)
  }

  func offset(ofExtent extent: Int) -> UInt64 {
    UInt64(Self.prologueBytes) + UInt64(extent) * UInt64(Self.extentBytes)
  }

  func extent(ofPage number: UInt64) -> Int {
    Int(number) / pagesPerExtent
  }

  static func isValid(pageBytes: Int) -> Bool {
    pageBytes >= 4096 && pageBytes <= maximumPageBytes && pageBytes & (pageBytes - 1) == 0
  }
}
