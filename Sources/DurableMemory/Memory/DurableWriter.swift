// SPDX-License-Identifier: Apache-2.0

/// Room for the bytes of a value; what does not fit is counted and left out.
@safe
public struct DurableWriter: ~Copyable {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let capacity: Int
  @usableFromInline var end = 0

  @usableFromInline
  @inline(__always)
  init(_ base: UnsafeMutableRawPointer, _ capacity: Int) {
    unsafe self.base = base
    self.capacity = capacity
  }

  /// How many bytes were written, or would have been.
  @inlinable
  public var count: Int {
    @inline(__always) get { end }
  }

  /// Takes the place of the next bytes; `nil` when they do not fit.
  @inlinable
  @inline(__always)
  mutating func take(_ count: Int) -> UnsafeMutableRawPointer? {
    defer { end &+= count }
    guard end <= capacity, count <= capacity &- end else { return nil }
    return unsafe base + end
  }

  /// Writes one byte.
  @inlinable
  @inline(__always)
  public mutating func write(_ byte: UInt8) {
    unsafe take(1)?.storeBytes(of: byte, as: UInt8.self)
  }

  /// Writes an integer, most significant byte first.
  @inlinable
  @inline(__always)
  public mutating func write<T: FixedWidthInteger & BitwiseCopyable>(bigEndian value: T) {
    unsafe take(T.bitWidth / 8)?.storeBytes(of: value.bigEndian, as: T.self)
  }

  /// Writes bytes.
  @inlinable
  @inline(__always)
  public mutating func write(_ bytes: Span<UInt8>) {
    guard let place = unsafe take(bytes.count) else { return }
    unsafe bytes.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      unsafe place.copyMemory(from: start, byteCount: bytes.count)
    }
  }

  /// Writes a number in as few bytes as it needs: seven bits each, the lowest first.
  @inlinable
  public mutating func write(shortest value: Int) {
    var rest = UInt(bitPattern: value)
    while rest >= 0x80 {
      write(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    write(UInt8(truncatingIfNeeded: rest))
  }

  /// Lends what was written, as far as it fits.
  @inlinable
  @inline(__always)
  func lend<R, E: Error>(
    from start: Int = 0, upTo end: Int? = nil, _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    let last = min(end ?? self.end, capacity)
    let first = min(start, last)
    return try unsafe ByteLoan.lend(UnsafeRawPointer(base + first), last &- first, body)
  }
}

/// Short-lived memory, on the stack where it is little.
@usableFromInline
enum Scratch {
  /// Lends a writer for so many bytes.
  @inlinable
  @inline(__always)
  static func withWriter<R, E: Error>(
    _ count: Int, _ body: (inout DurableWriter) throws(E) -> R
  ) throws(E) -> R {
    let result = unsafe withUnsafeTemporaryAllocation(
      byteCount: max(count, 1), alignment: 8
    ) { memory -> Result<R, E> in
      var writer = unsafe DurableWriter(memory.baseAddress.unsafelyUnwrapped, count)
      do throws(E) {
        return .success(try body(&writer))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Lends the bytes of an integer, most significant byte first.
  @inlinable
  @inline(__always)
  static func lend<T: FixedWidthInteger & BitwiseCopyable, R>(
    bigEndian value: T, _ body: (Span<UInt8>) -> R
  ) -> R {
    var bytes = value.bigEndian
    return unsafe withUnsafeBytes(of: &bytes) { bytes in
      unsafe ByteLoan.lend(bytes.baseAddress.unsafelyUnwrapped, T.bitWidth / 8, body)
    }
  }

  /// Lends the bytes of a text.
  @inlinable
  @inline(__always)
  static func lend<R>(_ text: String, _ body: (Span<UInt8>) -> R) -> R {
    var text = text
    return text.withUTF8 { unsafe body($0.span) }
  }

  /// Lends the bytes of a part of a text.
  @inlinable
  @inline(__always)
  static func lend<R>(_ text: Substring, _ body: (Span<UInt8>) -> R) -> R {
    var text = text
    return text.withUTF8 { unsafe body($0.span) }
  }
}

extension Span<UInt8> {
  /// The integer at `offset`, most significant byte first, which must lie inside.
  @inlinable
  @inline(__always)
  func load<T: FixedWidthInteger & BitwiseCopyable>(bigEndian type: T.Type, at offset: Int) -> T {
    precondition(offset >= 0 && offset &+ T.bitWidth / 8 <= count)
    return unsafe T(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// A copy.
  @inlinable
  var array: [UInt8] {
    unsafe withUnsafeBytes { unsafe [UInt8]($0) }
  }

  /// Whether both hold the same bytes.
  @inlinable
  func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    return unsafe withUnsafeBytes { own in
      unsafe other.withUnsafeBytes { unsafe own.elementsEqual($0) }
    }
  }

  /// A text of the bytes; `nil` when they are not UTF-8.
  @inlinable
  var text: String? {
    unsafe withUnsafeBufferPointer { unsafe String(validating: $0, as: UTF8.self) }
  }
}
