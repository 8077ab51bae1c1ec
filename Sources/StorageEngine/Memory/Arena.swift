// SPDX-License-Identifier: Apache-2.0

/// Memory for many pieces that never move and are given back together.
@safe
struct Arena: ~Copyable {
  private static let smallestChunk = 4096
  private static let largestChunk = 8 << 20
  /// From this size on chunks are made of huge pages: to touch fresh memory page by page takes longer
  /// than to fill it.
  static let hugeBytes = 2 << 20

  /// Most arenas have but one chunk.
  private var firstChunk: UnsafeMutableRawPointer?
  private var chunks: [UnsafeMutableRawPointer] = unsafe []
  private var hugeChunks: [AlignedBuffer] = []
  private var next = unsafe UnsafeMutableRawPointer(bitPattern: 1)
  private var left = 0
  /// Bytes of all pieces.
  private(set) var usedBytes = 0
  /// Bytes of all chunks.
  private(set) var chunkBytes = 0

  deinit {
    unsafe firstChunk?.deallocate()
    unsafe chunks.forEach { unsafe $0.deallocate() }
  }

  /// Memory for a piece of `count` bytes, whatever it holds.
  @inline(__always)
  mutating func take(_ count: Int) -> PageView {
    if count > left { addChunk(for: count) }
    // A chunk was added, or something was taken from one before.
    guard let place = unsafe next else { preconditionFailure("an arena without memory") }
    unsafe next = place + count
    left -= count
    usedBytes += count
    return unsafe PageView(place)
  }

  private mutating func addChunk(for count: Int) {
    // Small ones stay small; large ones get chunks that are not many.
    let size = max(count, min(Self.largestChunk, max(Self.smallestChunk, usedBytes)))
    if size >= Self.hugeBytes, let chunk = try? AlignedBuffer(count: size, hugePages: true) {
      hugeChunks.append(chunk)
      unsafe next = chunk.base
    } else {
      let chunk = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
      if unsafe firstChunk == nil {
        unsafe firstChunk = chunk
      } else {
        unsafe chunks.append(chunk)
      }
      unsafe next = chunk
    }
    left = size
    chunkBytes += size
  }
}
