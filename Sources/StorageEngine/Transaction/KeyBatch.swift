// SPDX-License-Identifier: Apache-2.0

/// Keys that are looked for together, one behind the other in one memory.
///
/// Kept and filled again, it costs no allocation.
public struct KeyBatch: Sendable {
  private(set) var bytes: [UInt8] = []
  private var ends: [Int] = []

  /// No keys.
  public init() {}

  /// How many keys there are.
  public var count: Int { ends.count }

  /// Adds a key.
  public mutating func append(_ key: Span<UInt8>) {
    bytes.append(key)
    ends.append(bytes.count)
  }

  /// Adds a key.
  public mutating func append(_ key: [UInt8]) {
    bytes += key
    ends.append(bytes.count)
  }

  /// Takes all keys out and keeps the memory.
  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }

  /// The key at a position, in the memory that `bytes` was lent as.
  func key(_ position: Int, of bytes: Bytes) -> Bytes {
    let start = position == 0 ? 0 : ends[position - 1]
    return bytes.dropFirst(start).prefix(ends[position] - start)
  }
}
