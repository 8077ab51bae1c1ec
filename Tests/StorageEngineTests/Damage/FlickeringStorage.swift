// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import Synchronization
import TestSupport

/// A disk that a part of is not read right any more, from some reading of it on.
final class FlickeringStorage: Storage {
  /// What comes of it then.
  enum Fault {
    case error
    case flippedBit
  }

  private let disk: SimulatedDisk
  private let place: Range<UInt64>
  private let first: Int
  private let fault: Fault
  private let count = Atomic<Int>(0)

  init(
    _ disk: SimulatedDisk, _ place: Range<UInt64>, from first: Int = 0, _ fault: Fault = .error
  ) {
    self.disk = disk
    self.place = place
    self.first = first
    self.fault = fault
  }

  /// How often the part was read.
  var reads: Int { count.load(ordering: .relaxed) }

  var name: String { disk.name }
  func length() throws(StorageError) -> UInt64 { try disk.length() }
  func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    try unsafe disk.write(buffer, at: offset)
  }
  func writeDurably(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    try unsafe disk.writeDurably(buffer, at: offset)
  }
  func resize(to length: UInt64) throws(StorageError) { try disk.resize(to: length) }
  func flush() throws(StorageError) { try disk.flush() }
  func close() { disk.close() }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(StorageError) {
    try unsafe disk.read(into: buffer, at: offset)
    guard place.overlaps(offset..<offset + UInt64(buffer.count)),
      count.wrappingAdd(1, ordering: .relaxed).oldValue >= first
    else { return }
    switch fault {
    case .error:
      throw StorageError(
        operation: .read, kind: .system(errno: EIO), offset: offset, name: disk.name)
    case .flippedBit: unsafe buffer[Int(max(place.lowerBound, offset) - offset)] ^= 1
    }
  }
}
