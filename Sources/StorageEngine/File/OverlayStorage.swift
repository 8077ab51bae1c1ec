// SPDX-License-Identifier: Apache-2.0

/// A storage that is only read; what is written to it stays in memory.
///
/// So a store is opened for reading by the same steps as for writing: recovery and its checkpoint
/// happen in the overlay, and the file stays as it is.
final class OverlayStorage: Storage, @unchecked Sendable {
  private static let blockBytes = 4096

  private let base: any Storage
  private let lock = Lock()
  /// Guarded by `lock`: blocks that were written, and the length.
  private var blocks: [UInt64: [UInt8]] = [:]
  private var end: UInt64
  /// How much of the base is seen: less after the storage was made shorter.
  private var baseLength: UInt64

  init(over base: any Storage) throws(StorageError) {
    self.base = base
    baseLength = try base.length()
    end = baseLength
  }

  /// An overlay whose errors are those of the engine.
  static func over(_ base: any Storage) throws(EngineError) -> any Storage {
    do {
      return try OverlayStorage(over: base)
    } catch {
      throw .storage(error)
    }
  }

  var name: String { base.name }

  func length() throws(StorageError) -> UInt64 { lock.withLock { end } }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(StorageError) {
    try lock.withLock { () throws(StorageError) in
      guard offset <= end, UInt64(buffer.count) <= end - offset else {
        throw StorageError(operation: .read, kind: .unexpectedEnd, offset: offset, name: name)
      }
      let present = min(UInt64(buffer.count), max(baseLength, offset) - offset)
      if present > 0 {
        unsafe try base.read(
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(present)]), at: offset)
      }
      for position in stride(from: Int(present), to: buffer.count, by: 1) {
        unsafe buffer[position] = 0
      }
      guard !blocks.isEmpty else { return }
      forEachBlock(at: offset, count: buffer.count) { block, position in
        guard let bytes = blocks[block] else { return }
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[position...]).copyBytes(
          from: bytes.prefix(buffer.count - position))
      }
    }
  }

  func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    lock.withLock {
      end = max(end, offset + UInt64(buffer.count))
      forEachBlock(at: offset, count: buffer.count) { block, position in
        let end = min(position + Self.blockBytes, buffer.count)
        blocks[block] = unsafe [UInt8](buffer[position..<end])
      }
    }
  }

  func writeDurably(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    unsafe try write(buffer, at: offset)
  }

  func resize(to length: UInt64) throws(StorageError) {
    lock.withLock {
      end = length
      baseLength = min(baseLength, length)
      blocks = blocks.filter { $0.key * UInt64(Self.blockBytes) < length }
    }
  }

  func flush() throws(StorageError) {}

  func close() {
    base.close()
    lock.withLock { blocks = [:] }
  }

  /// Visits the blocks of a range: each with its place in the range.
  private func forEachBlock(at offset: UInt64, count: Int, _ body: (UInt64, Int) -> Void) {
    for position in stride(from: 0, to: count, by: Self.blockBytes) {
      body((offset + UInt64(position)) / UInt64(Self.blockBytes), position)
    }
  }
}
