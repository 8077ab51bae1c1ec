// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization

/// A storage in memory that counts what makes it durable and what is written to it.
final class CountingStorage: Storage {
  struct Counts {
    var flushes = 0
    var bytes = 0
  }

  private let memory = MemoryStorage()
  private let counted = Mutex(Counts())

  var counts: Counts { counted.withLock { $0 } }
  var name: String { memory.name }

  func length() throws(StorageError) -> UInt64 { try memory.length() }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(StorageError) {
    try unsafe memory.read(into: buffer, at: offset)
  }

  func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    counted.withLock { $0.bytes += buffer.count }
    try unsafe memory.write(buffer, at: offset)
  }

  func writeDurably(
    _ buffer: UnsafeRawBufferPointer, at offset: UInt64
  ) throws(StorageError) {
    counted.withLock {
      $0.bytes += buffer.count
      $0.flushes += 1
    }
    try unsafe memory.writeDurably(buffer, at: offset)
  }

  func resize(to length: UInt64) throws(StorageError) { try memory.resize(to: length) }

  func flush() throws(StorageError) {
    counted.withLock { $0.flushes += 1 }
    try memory.flush()
  }

  func close() { memory.close() }
}
