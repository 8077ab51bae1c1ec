// SPDX-License-Identifier: Apache-2.0

/// Zeroed anonymous memory, aligned for direct I/O, given back when the last user lets go.
///
/// Safe to share because its users agree among themselves who writes where; see `FramePool`.
@safe
final class AlignedBuffer: @unchecked Sendable {
  /// Up to this many bytes come from the heap: cursors need a page each, and to map one and touch
  /// it for the first time costs more than all they do with it.
  private static let heapBytes = 64 << 10
  private static let alignment = 4096

  let base: UnsafeMutableRawPointer
  let count: Int
  private let isMapped: Bool

  /// Reserves `count` bytes, which are zero.
  ///
  /// Of a large buffer physical memory is only used for what is touched.
  init(count: Int, hugePages: Bool = false) throws(EngineError) {
    self.count = count
    isMapped = hugePages || count > Self.heapBytes
    guard isMapped else {
      unsafe base = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: Self.alignment)
      unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: count)
      return
    }
    guard let memory = unsafe SystemCalls.mapMemory(count), let base = memory.baseAddress
    else { throw .invalidConfiguration("\(count) bytes of memory cannot be reserved") }
    if hugePages { unsafe SystemCalls.adviseHugePages(memory) }
    unsafe self.base = base
  }

  deinit {
    guard isMapped else { return unsafe base.deallocate() }
    unsafe SystemCalls.unmapMemory(UnsafeMutableRawBufferPointer(start: base, count: count))
  }

  /// The buffer given, or a new one that takes its place.
  static func reuse(
    _ buffer: inout AlignedBuffer?, count: Int
  ) throws(EngineError) -> AlignedBuffer {
    if let buffer { return buffer }
    let new = try AlignedBuffer(count: count)
    buffer = new
    return new
  }

  func page(at offset: Int) -> PageView {
    unsafe PageView(base + offset)
  }

  func bytes(_ offset: Int, _ length: Int) -> Bytes {
    unsafe Bytes(base + offset, length)
  }

  func buffer(_ offset: Int, _ length: Int) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: base + offset, count: length)
  }

  /// Zeroes a range.
  func clear(_ offset: Int, _ length: Int) {
    guard length > 0 else { return }
    unsafe (base + offset).initializeMemory(as: UInt8.self, repeating: 0, count: length)
  }

  /// Copies bytes in.
  func copy(_ bytes: Bytes, to offset: Int) {
    guard bytes.count > 0 else { return }
    unsafe (base + offset).copyMemory(from: bytes.base, byteCount: bytes.count)
  }
}
