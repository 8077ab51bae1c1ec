// SPDX-License-Identifier: Apache-2.0

/// The payload of a group as it comes together.
///
/// Kept and used again, because fresh memory costs page faults.
@safe
final class LogBuffer: @unchecked Sendable {
  /// Memory that a buffer may keep, and that of which one buffer of a database may.
  static let keptBytes = 4 << 20
  static let largeKeptBytes = 24 << 20
  @safe @exclusivity(unchecked) private var memory = Memory()

  var capacity: Int { memory.capacity }
  var count: Int { memory.count }

  var bytes: Bytes { unsafe Bytes(memory.base, memory.count) }

  func removeAll(keeping limit: Int = keptBytes) {
    memory.count = 0
    if capacity > limit { memory = Memory() }
  }

  /// Takes back what was appended after `length`.
  func truncate(to length: Int) {
    memory.count = min(count, length)
  }

  /// Makes room for so many bytes, at once for what comes in many pieces.
  func makeRoom(_ bytes: Int) {
    memory.makeRoom(bytes)
  }

  func append(_ bytes: Bytes) {
    memory.append(bytes)
  }

  func appendInteger<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    memory.appendInteger(value)
  }

  /// Appends a change of a key as the log has it.
  func append(_ change: KeyChange) {
    memory.append(change)
  }

  func overwrite(_ value: UInt32, at offset: Int) {
    unsafe memory.base.storeBytes(
      of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }
}

extension LogBuffer {
  /// What a buffer has, as one value: the runtime watches over each access to a property of a
  /// class, which costs more than the appending of a number.
  @safe
  private struct Memory: ~Copyable {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    var count = 0
    /// What `base` is part of, where it is large.
    private var hugePages: AlignedBuffer?

    init(capacity: Int = 64 << 10) {
      self.capacity = capacity
      if capacity >= Arena.hugeBytes {
        hugePages = try? AlignedBuffer(count: capacity, hugePages: true)
      }
      unsafe base = hugePages?.base ?? .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
      if hugePages == nil { unsafe base.deallocate() }
    }

    @inline(__always)
    mutating func makeRoom(_ bytes: Int) {
      if count + bytes > capacity { grow(bytes) }
    }

    private mutating func grow(_ bytes: Int) {
      var larger = Memory(capacity: max(capacity * 2, count + bytes))
      unsafe larger.base.copyMemory(from: base, byteCount: count)
      larger.count = count
      self = larger
    }

    @inline(__always)
    mutating func append(_ bytes: Bytes) {
      guard bytes.count > 0 else { return }
      makeRoom(bytes.count)
      unsafe (base + count).copyMemory(from: bytes.base, byteCount: bytes.count)
      count += bytes.count
    }

    @inline(__always)
    mutating func appendInteger<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
      makeRoom(MemoryLayout<T>.size)
      unsafe base.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
      count += MemoryLayout<T>.size
    }

    mutating func append(_ change: KeyChange) {
      makeRoom(change.recordBytes)
      change.encode(to: unsafe PageView(base + count))
      count += change.recordBytes
    }
  }
}
