// SPDX-License-Identifier: Apache-2.0

/// What a map holds and takes.
public struct DurableMapMetrics: Sendable, Equatable {
  /// Entries, those included that have expired and were not swept yet.
  public let count: Int
  /// Bytes of all keys.
  public let keyBytes: Int
  /// Bytes of all values.
  public let valueBytes: Int
  /// Bytes of memory taken from the system for entries and tables, free room included.
  public let memoryBytes: Int
  /// What was replaced and waits until no reader or snapshot can be looking at it.
  public let waitingCount: Int
  /// Snapshots that are open.
  public let snapshotCount: Int

  /// Bytes of all keys and values.
  public var payloadBytes: Int { keyBytes + valueBytes }
}

extension DurableMap {
  /// What the map holds and takes at this moment.
  ///
  /// - Throws: `.closed`.
  public func metrics() throws(DurableMapError) -> DurableMapMetrics {
    try core.checkOpen()
    return core.memory.withLockUnlessHeld { core.memory.metrics }
  }
}

extension DurableMap: CustomStringConvertible {
  /// The name, and how much it holds.
  public var description: String {
    guard let metrics = try? metrics() else { return "durable map \(name), closed" }
    return "durable map \(name): \(metrics.count) entries, \(metrics.payloadBytes / 1024) KiB"
  }
}
