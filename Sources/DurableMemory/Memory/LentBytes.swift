// SPDX-License-Identifier: Apache-2.0

/// Bytes lent as spans, and copied.
@usableFromInline
enum ByteLoan {
  @inlinable
  @inline(__always)
  static func lend<R, E: Error>(
    _ start: UnsafeRawPointer, _ count: Int, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    let bytes = unsafe start.assumingMemoryBound(to: UInt8.self)
    return try body(unsafe Span(_unsafeStart: bytes, count: count))
  }

  @inline(__always)
  static func copy(_ span: Span<UInt8>, to place: UnsafeMutableRawPointer) {
    unsafe span.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      unsafe place.copyMemory(from: start, byteCount: bytes.count)
    }
  }
}

/// The answer to a look for a key: the value's bytes, if there is one, and the line of the reader,
/// who must leave it in any case.
///
/// Safe to use because the bytes stay what they are until the reader leaves.
@safe
@usableFromInline
struct LentBytes: BitwiseCopyable {
  /// Where the bytes are; 0 where there are none, 1 when the map is closed.
  @usableFromInline let address: UInt
  @usableFromInline let count: Int
  @usableFromInline let line: Int

  @inline(__always)
  init(address: UInt, count: Int, line: Int) {
    self.address = address
    self.count = count
    self.line = line
  }

  @inlinable
  var isClosed: Bool {
    @inline(__always) get { address == 1 }
  }

  @inlinable
  var exists: Bool {
    @inline(__always) get { address > 1 }
  }

  /// Lends the bytes; only to be called when there are any.
  @inlinable
  @inline(__always)
  func lend<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    let start = unsafe UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped
    return try unsafe ByteLoan.lend(start, count, body)
  }
}
