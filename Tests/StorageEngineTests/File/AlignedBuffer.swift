// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// Reads and writes arrays through memory aligned as direct I/O demands.
extension Storage {
  func write(_ bytes: [UInt8], at offset: UInt64) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 4096)
    defer { unsafe buffer.deallocate() }
    unsafe buffer.copyBytes(from: bytes)
    unsafe try write(UnsafeRawBufferPointer(buffer), at: offset)
  }

  func writeDurably(_ bytes: [UInt8], at offset: UInt64) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 4096)
    defer { unsafe buffer.deallocate() }
    unsafe buffer.copyBytes(from: bytes)
    unsafe try writeDurably(UnsafeRawBufferPointer(buffer), at: offset)
  }

  func read(_ count: Int, at offset: UInt64) throws -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
    defer { unsafe buffer.deallocate() }
    unsafe try read(into: buffer, at: offset)
    return unsafe Array(buffer)
  }
}
