// SPDX-License-Identifier: Apache-2.0

/// A store that lives in memory and ends with the process.
public final class MemoryStorage: Storage, @unchecked Sendable {
  /// Memory is taken in pieces of this many bytes, so that growth never copies what is there.
  private static let chunkBytes = 1 << 18

  private struct Content {
    var chunks: [[UInt8]] = []
    var length: UInt64 = 0
    var isClosed = false
  }

  /// A description for error messages.
  public let name: String
  /// The length beyond which the storage counts as full.
  public let capacity: UInt64
  private let lock = Lock()
  /// Guarded by `lock`.
  private var content = Content()

  /// Creates an empty storage of at most `capacity` bytes.
  public init(name: String = "memory", capacity: UInt64 = 1 << 36) {
    self.name = name
    self.capacity = min(capacity, 1 << 46)
  }

  /// Returns the present length in bytes.
  public func length() throws(StorageError) -> UInt64 {
    try lock.withLock { () throws(StorageError) in
      try check(.length)
      return content.length
    }
  }

  /// Fills `buffer` from `offset`.
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(StorageError) {
    try lock.withLock { () throws(StorageError) in
      try check(.read)
      guard offset <= content.length, UInt64(buffer.count) <= content.length - offset else {
        throw StorageError(operation: .read, kind: .unexpectedEnd, offset: offset, name: name)
      }
      Self.forEachPiece(at: offset, count: buffer.count) { index, start, done, count in
        unsafe content.chunks[index].withUnsafeBytes { chunk in
          unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: chunk[start..<start + count]))
        }
      }
    }
  }

  /// Writes all of `buffer` at `offset`, growing the storage where needed.
  public func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    try lock.withLock { () throws(StorageError) in
      try check(.write)
      guard offset <= capacity, UInt64(buffer.count) <= capacity - offset else {
        throw StorageError(operation: .write, kind: .outOfSpace, offset: offset, name: name)
      }
      let end = offset + UInt64(buffer.count)
      if end > content.length { Self.resize(&content, to: end) }
      Self.forEachPiece(at: offset, count: buffer.count) { index, start, done, count in
        unsafe content.chunks[index].withUnsafeMutableBytes { chunk in
          unsafe UnsafeMutableRawBufferPointer(rebasing: chunk[start..<start + count])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[done..<done + count]))
        }
      }
    }
  }

  /// Writes all of `buffer` at `offset`; memory is as durable as it gets at once.
  public func writeDurably(
    _ buffer: UnsafeRawBufferPointer, at offset: UInt64
  ) throws(StorageError) {
    try unsafe write(buffer, at: offset)
  }

  /// Sets the length; new bytes are zero.
  public func resize(to length: UInt64) throws(StorageError) {
    try lock.withLock { () throws(StorageError) in
      try check(.resize)
      guard length <= capacity else {
        throw StorageError(operation: .resize, kind: .outOfSpace, offset: length, name: name)
      }
      Self.resize(&content, to: length)
    }
  }

  /// Does nothing: memory is as durable as it gets at once.
  public func flush() throws(StorageError) {
    try lock.withLock { () throws(StorageError) in try check(.flush) }
  }

  /// Gives the memory back.
  ///
  /// Further calls fail.
  public func close() {
    lock.withLock {
      content.chunks = []
      content.length = 0
      content.isClosed = true
    }
  }

  private func check(_ operation: StorageError.Operation) throws(StorageError) {
    if content.isClosed {
      throw StorageError(operation: operation, SystemError.closedDescriptor, name: name)
    }
  }

  private static func resize(_ content: inout Content, to length: UInt64) {
    let count = Int((length + UInt64(chunkBytes) - 1) / UInt64(chunkBytes))
    if count < content.chunks.count { content.chunks.removeLast(content.chunks.count - count) }
    while content.chunks.count < count {
      content.chunks.append([UInt8](repeating: 0, count: chunkBytes))
    }
    if length < content.length, let last = content.chunks.indices.last {
      // What was cut off must read as zero should the storage grow again.
      let used = Int(length) - last * chunkBytes
      for index in used..<chunkBytes { content.chunks[last][index] = 0 }
    }
    content.length = length
  }

  /// Cuts a range into pieces that lie in one chunk each: chunk, place in it, bytes before, bytes.
  private static func forEachPiece(
    at offset: UInt64, count: Int, _ body: (Int, Int, Int, Int) -> Void
  ) {
    var done = 0
    while done < count {
      let place = Int(offset) + done
      let start = place % chunkBytes
      let length = min(chunkBytes - start, count - done)
      body(place / chunkBytes, start, done, length)
      done += length
    }
  }
}
