// SPDX-License-Identifier: Apache-2.0

/// The payload of a group as it comes together.
///
/// Kept and used again, because fresh memory costs page faults.
@safe
final class LogBuffer: @unchecked Sendable {
  /// Memory that a buffer may keep, and that of which one buffer of a database may.
  static let keptBytes = 4 << 20
  static let largeKeptBytes = 24 << 20
  private var base: UnsafeMutableRawPointer
  private(set) var capacity: Int
  private(set) var count = 0

  init() {
    capacity = 64 << 10
    unsafe base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit {
    unsafe base.deallocate()
  }

  var bytes: Bytes { unsafe Bytes(base, count) }

  func removeAll(keeping limit: Int = keptBytes) {
    count = 0
    guard capacity > limit else { return }
    unsafe base.deallocate()
    capacity = 64 << 10
    unsafe base = .allocate(byteCount: capacity, alignment: 16)
  }

  /// Takes back what was appended after `length`.
  func truncate(to length: Int) {
    count = min(count, length)
  }

  /// Makes room for so many bytes, at once for what comes in many pieces.
  @inline(__always)
  func makeRoom(_ bytes: Int) {
    if count + bytes > capacity { grow(bytes) }
  }

  private func grow(_ bytes: Int) {
    let larger = max(capacity * 2, count + bytes)
    let new = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    unsafe new.copyMemory(from: base, byteCount: count)
    unsafe base.deallocate()
    unsafe base = new
    capacity = larger
  }

  func append(_ bytes: Bytes) {
    guard bytes.count > 0 else { return }
    makeRoom(bytes.count)
    unsafe (base + count).copyMemory(from: bytes.base, byteCount: bytes.count)
    count += bytes.count
  }

  @inline(__always)
  func appendInteger<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    makeRoom(MemoryLayout<T>.size)
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
    count += MemoryLayout<T>.size
  }

  func overwrite(_ value: UInt32, at offset: Int) {
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }
}
