// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The bytes of one page, in a frame or a private buffer.
///
/// Safe to use because it is only made for memory of a whole page whose offsets were checked on
/// the way in (`PageValidation`) or written by this engine, and because the holder is inside an
/// epoch, is the only writer, or owns the buffer.
@safe
struct PageView: BitwiseCopyable {
  let base: UnsafeMutableRawPointer

  @inline(__always)
  init(_ base: UnsafeMutableRawPointer) {
    unsafe self.base = base
  }

  @inline(__always)
  func load8(_ offset: Int) -> UInt8 {
    unsafe base.load(fromByteOffset: offset, as: UInt8.self)
  }

  @inline(__always)
  func load16(_ offset: Int) -> Int {
    Int(UInt16(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
  }

  @inline(__always)
  func load32(_ offset: Int) -> UInt32 {
    UInt32(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inline(__always)
  func load64(_ offset: Int) -> UInt64 {
    UInt64(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  func store8(_ value: UInt8, _ offset: Int) {
    unsafe base.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
  }

  @inline(__always)
  func store16(_ value: Int, _ offset: Int) {
    unsafe base.storeBytes(
      of: UInt16(truncatingIfNeeded: value).littleEndian, toByteOffset: offset, as: UInt16.self)
  }

  @inline(__always)
  func store32(_ value: UInt32, _ offset: Int) {
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }

  @inline(__always)
  func store64(_ value: UInt64, _ offset: Int) {
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
  }

  @inline(__always)
  func bytes(_ offset: Int, _ length: Int) -> Bytes {
    unsafe Bytes(UnsafeRawPointer(base + offset), length)
  }

  func copy(_ bytes: Bytes, to offset: Int) {
    guard bytes.count > 0 else { return }
    unsafe (base + offset).copyMemory(from: bytes.base, byteCount: bytes.count)
  }

  func copyPage(from other: PageView, pageBytes: Int) {
    unsafe base.copyMemory(from: other.base, byteCount: pageBytes)
  }

  func clear(pageBytes: Int) {
    unsafe memset(base, 0, pageBytes)
  }

  /// Lends memory for `count` bytes, whatever it holds, on the stack where that is possible.
  @inline(__always)
  static func withTemporary<R>(_ count: Int, _ body: (PageView) -> R) -> R {
    unsafe withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { buffer in
      // Not empty, so that it has an address.
      guard let base = buffer.baseAddress else { preconditionFailure("memory without address") }
      return body(unsafe PageView(base))
    }
  }
}

extension PageView {
  @inline(__always) var kind: UInt8 { load8(PageLayout.kind) }
  @inline(__always) var level: Int { Int(load8(PageLayout.level)) }
  @inline(__always) var count: Int { load16(PageLayout.count) }
  @inline(__always) var number: UInt64 { load64(PageLayout.number) }
  @inline(__always) var birth: UInt64 { load64(PageLayout.birth) }
  @inline(__always) var tree: UInt32 { load32(PageLayout.tree) }
  @inline(__always) var isLeaf: Bool { kind == PageKind.leaf.rawValue }

  /// Starts a page over: everything zero but the header.
  func format(
    kind: PageKind, level: Int, number: UInt64, birth: UInt64, tree: UInt32,
    pageBytes: Int
  ) {
    clear(pageBytes: pageBytes)
    store8(kind.rawValue, PageLayout.kind)
    store8(UInt8(truncatingIfNeeded: level), PageLayout.level)
    store64(number, PageLayout.number)
    store64(birth, PageLayout.birth)
    store32(tree, PageLayout.tree)
    store32(UInt32(pageBytes), PageLayout.heapStart)
  }

  /// The CRC-32C of everything behind the checksum field.
  func computeChecksum(pageBytes: Int) -> UInt32 {
    bytes(4, pageBytes - 4).checksum()
  }
}
