// SPDX-License-Identifier: Apache-2.0

/// The bytes of a disk at one moment.
///
/// A value: copies share their chunks until one of them changes, so that thousands of crash images
/// of one store cost little more than what differs between them.
public struct DiskImage: Sendable {
  private static let chunkBytes = 16_384

  /// A chunk that was never written is an empty array and reads as zeros.
  private var chunks: [[UInt8]] = []

  /// The length in bytes.
  public private(set) var length: UInt64 = 0

  /// An image without bytes.
  public init() {}

  /// An image of given bytes.
  public init(_ bytes: [UInt8]) {
    write(bytes[...], at: 0)
  }

  /// Copies a range of bytes, which must lie inside the image.
  public func bytes(_ count: Int, at offset: UInt64) -> [UInt8] {
    precondition(offset + UInt64(count) <= length)
    var result: [UInt8] = []
    result.reserveCapacity(count)
    Self.forEachPiece(at: offset, count: count) { index, inside in
      if chunks[index].isEmpty {
        result.append(contentsOf: repeatElement(0, count: inside.count))
      } else {
        result.append(contentsOf: chunks[index][inside])
      }
    }
    return result
  }

  /// Copies bytes into memory; the range must lie inside the image.
  public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) {
    precondition(offset + UInt64(buffer.count) <= length)
    var done = 0
    Self.forEachPiece(at: offset, count: buffer.count) { index, inside in
      let target = unsafe UnsafeMutableRawBufferPointer(
        rebasing: buffer[done..<done + inside.count])
      if chunks[index].isEmpty {
        unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
      } else {
        unsafe chunks[index].withUnsafeBytes { chunk in
          unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: chunk[inside]))
        }
      }
      done += inside.count
    }
  }

  /// Writes bytes, growing the image where needed.
  public mutating func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) {
    length = max(length, offset + UInt64(bytes.count))
    makeRoom()
    var next = bytes.startIndex
    Self.forEachPiece(at: offset, count: bytes.count) { index, inside in
      if chunks[index].isEmpty {
        chunks[index] = [UInt8](repeating: 0, count: Self.chunkBytes)
      }
      chunks[index].replaceSubrange(inside, with: bytes[next..<next + inside.count])
      next += inside.count
    }
  }

  /// Sets the length: cuts bytes off, or adds zeros.
  public mutating func setLength(_ newLength: UInt64) {
    if newLength < length {
      let cut = Int(newLength % UInt64(Self.chunkBytes))
      chunks.removeLast(chunks.count - Self.chunkCount(newLength))
      if cut > 0, let last = chunks.indices.last, !chunks[last].isEmpty {
        let zeros = repeatElement(UInt8(0), count: Self.chunkBytes - cut)
        chunks[last].replaceSubrange(cut..., with: zeros)
      }
    }
    length = newLength
    makeRoom()
  }

  /// Whether a range holds nothing but zeros.
  public func isZero(_ count: Int, at offset: UInt64) -> Bool {
    bytes(count, at: offset) == [UInt8](repeating: 0, count: count)
  }

  private mutating func makeRoom() {
    let count = Self.chunkCount(length)
    if count > chunks.count {
      chunks.append(contentsOf: repeatElement([], count: count - chunks.count))
    }
  }

  private static func chunkCount(_ length: UInt64) -> Int {
    Int((length + UInt64(chunkBytes) - 1) / UInt64(chunkBytes))
  }

  /// Cuts a range into pieces that lie in one chunk each.
  private static func forEachPiece(
    at offset: UInt64, count: Int, _ body: (Int, Range<Int>) -> Void
  ) {
    var place = Int(offset)
    let end = place + count
    while place < end {
      let start = place % chunkBytes
      let length = min(chunkBytes - start, end - place)
      body(place / chunkBytes, start..<start + length)
      place += length
    }
  }
}

// MARK: - Silent damage

extension DiskImage {
  /// Inverts bits of one byte: those set in `mask`.
  public mutating func flip(_ mask: UInt8, at offset: UInt64) {
    let byte = bytes(1, at: offset)[0]
    write([byte ^ mask], at: offset)
  }

  /// Overwrites a range with zeros.
  public mutating func zero(_ count: Int, at offset: UInt64) {
    write(ArraySlice(repeatElement(0, count: count)), at: offset)
  }

  /// Copies a range from elsewhere: a stale page from an `earlier` image, or, from the image
  /// itself, a misdirected write.
  public mutating func copy(
    _ count: Int, from earlier: DiskImage, at source: UInt64, to destination: UInt64
  ) {
    write(earlier.bytes(count, at: source)[...], at: destination)
  }

  /// Exchanges two ranges.
  public mutating func swap(_ count: Int, at first: UInt64, and second: UInt64) {
    let old = bytes(count, at: first)
    write(bytes(count, at: second)[...], at: first)
    write(old[...], at: second)
  }
}
