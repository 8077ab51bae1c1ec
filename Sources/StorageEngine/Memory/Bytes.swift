// SPDX-License-Identifier: Apache-2.0

import CStorageSystem
import Glibc

/// A borrowed run of bytes inside a page, a log buffer or a write set.
///
/// Safe to use because it is only made for memory whose bounds were checked by its maker, and is
/// never kept beyond the call it was made for.
@safe
struct Bytes: BitwiseCopyable {
  let base: UnsafeRawPointer
  let count: Int

  @inline(__always)
  init(_ base: UnsafeRawPointer, _ count: Int) {
    unsafe self.base = base
    self.count = count
  }

  @inline(__always)
  subscript(_ offset: Int) -> UInt8 {
    unsafe base.load(fromByteOffset: offset, as: UInt8.self)
  }

  @inline(__always)
  func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
    T(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  @inline(__always)
  func dropFirst(_ bytes: Int) -> Bytes {
    unsafe Bytes(base + bytes, count - bytes)
  }

  @inline(__always)
  func prefix(_ bytes: Int) -> Bytes {
    unsafe Bytes(base, bytes)
  }

  /// The first eight bytes as a number that orders like the bytes, zero-padded.
  @inline(__always)
  var head: UInt64 {
    if count >= 8 { return UInt64(bigEndian: unsafe base.loadUnaligned(as: UInt64.self)) }
    var head: UInt64 = 0
    for index in 0..<count {
      head |= UInt64(self[index]) << UInt64(56 - 8 * index)
    }
    return head
  }

  /// Byte order: negative when `self` comes first, zero when equal.
  @inline(__always)
  func compare(_ other: Bytes) -> Int {
    let common = min(count, other.count)
    let order = unsafe common > 0 ? Int(memcmp(base, other.base, common)) : 0
    return order != 0 ? order : count - other.count
  }

  /// How many leading bytes both have in common.
  func commonPrefix(_ other: Bytes) -> Int {
    let limit = min(count, other.count)
    var length = 0
    while length < limit && self[length] == other[length] { length += 1 }
    return length
  }

  /// An address for no bytes at all: an empty array may have none of its own.
  fileprivate nonisolated(unsafe) static let nowhere = UnsafeRawPointer(
    UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))

  /// Has them fetched into the cache, if they are not too many.
  @inline(__always)
  func prefetch() {
    for line in stride(from: 0, to: min(count, 256), by: 64) {
      unsafe storage_prefetch(UnsafeMutableRawPointer(mutating: base + line))
    }
  }

  /// A copy.
  var array: [UInt8] {
    unsafe [UInt8](UnsafeRawBufferPointer(start: base, count: count))
  }

  /// CRC-32C, continued from `seed`.
  func checksum(seed: UInt32 = 0) -> UInt32 {
    unsafe storage_crc32c(seed, base, count)
  }
}

extension [UInt8] {
  /// Lends the bytes of the array.
  @inline(__always)
  func withBytes<R, E: Error>(_ body: (Bytes) throws(E) -> R) throws(E) -> R {
    let span = span
    return try span.withBytes(body)
  }
}

extension Array {
  /// Has an element fetched into the cache.
  @inline(__always)
  func prefetch(_ index: Int) {
    unsafe withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      unsafe storage_prefetch(UnsafeMutableRawPointer(mutating: base + index))
    }
  }
}

extension Span<UInt8> {
  /// Lends the bytes of the span.
  ///
  /// An empty one lends a valid pointer to no bytes.
  @inline(__always)
  func withBytes<R, E: Error>(_ body: (Bytes) throws(E) -> R) throws(E) -> R {
    try unsafe withUnsafeBytes { (buffer) throws(E) -> R in
      let base = unsafe buffer.baseAddress ?? Bytes.nowhere
      return try body(unsafe Bytes(base, buffer.count))
    }
  }
}

extension Bytes {
  /// Lends them as a span.
  @inline(__always)
  func lend<R>(to body: (Span<UInt8>) -> R) -> R {
    body(unsafe Span(_unsafeStart: base.assumingMemoryBound(to: UInt8.self), count: count))
  }
}

extension [UInt8] {
  /// A copy of a span.
  init(copying span: Span<UInt8>) {
    self = span.withBytes { $0.array }
  }

  mutating func append(_ span: Span<UInt8>) {
    unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}
