// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// Changing one entry.
extension DurableMap {
  /// Sets the value of a key; returns whether it had one.
  ///
  /// Returns when the change is as durable as asked: as `durability` says, or the map's options.
  ///
  /// - Parameter timeToLive: How long the entry lives; `nil` for what the map's options say.
  /// - Throws: `.engine`, `.keyTooLong`, `.valueTooLong`, `.miscounted`, `.calledFromWithin`,
  ///   `.closed`; the map is as before then, except that `.engine(.poisoned)` may come from waiting
  ///   for the disk: then the change is lost unless the disk has it.
  @inlinable
  @discardableResult
  public func set(
    _ key: Key, _ value: Value, timeToLive: Duration? = nil, durability: Durability? = nil
  ) throws(DurableMapError) -> Bool {
    try withStored(key, value, core.expiry(after: timeToLive)) {
      (key, value) throws(DurableMapError) in
      try core.set(key, value, durability)
    }
  }

  /// Removes a key; returns whether it had a value.
  ///
  /// - Throws: as `set`.
  @inlinable
  @discardableResult
  public func unset(
    _ key: Key, durability: Durability? = nil
  ) throws(DurableMapError) -> Bool {
    try withStoredKey(key) { (key) throws(DurableMapError) in try core.unset(key, durability) }
  }

  /// Removes a key that is given as a part of something; returns whether it had a value.
  ///
  /// - Throws: as `set`.
  @inlinable
  @discardableResult
  public func unset<Form: DurableCodable>(
    _ key: Form, durability: Durability? = nil
  ) throws(DurableMapError) -> Bool where Form.DurableForm == Key.DurableForm {
    try withStoredKey(key) { (key) throws(DurableMapError) in try core.unset(key, durability) }
  }

  /// Removes every entry, in one transaction.
  ///
  /// Others who change the map wait meanwhile, readers do not.
  ///
  /// - Throws: as `set`.
  public func clear(durability: Durability? = nil) throws(DurableMapError) {
    try core.clear(durability)
  }

  /// Lends the stored forms of a key and a value.
  @inlinable
  @inline(__always)
  func withStored<R>(
    _ key: Key, _ value: Value, _ expiry: UInt64?,
    _ body: (Span<UInt8>, Span<UInt8>) throws(DurableMapError) -> R
  ) throws(DurableMapError) -> R {
    let keyCount = key.durableByteCount
    let valueCount = value.durableByteCount
    try core.check(key: keyCount, value: valueCount)
    let prefix = expiry == nil ? 1 : 9
    let end = 1 &+ keyCount &+ prefix &+ valueCount
    return try Scratch.withWriter(end) { (writer) throws(DurableMapError) in
      writer.write(StoredStart.key)
      key.encode(into: &writer)
      let middle = writer.count
      writer.write(expiry: expiry)
      value.encode(into: &writer)
      guard middle == 1 &+ keyCount, writer.count == end else {
        throw core.miscounted(Key.self, 1 &+ keyCount, middle, Value.self, end, writer.count)
      }
      return try writer.lend(upTo: middle) { (key) throws(DurableMapError) in
        try writer.lend(from: middle) { (value) throws(DurableMapError) in try body(key, value) }
      }
    }
  }

  /// Lends the stored form of a key.
  @inlinable
  @inline(__always)
  func withStoredKey<R, Form: DurableCodable>(
    _ key: Form, _ body: (Span<UInt8>) throws(DurableMapError) -> R
  ) throws(DurableMapError) -> R {
    let count = key.durableByteCount
    try core.check(key: count, value: 0)
    return try Scratch.withWriter(1 &+ count) { (writer) throws(DurableMapError) in
      writer.write(StoredStart.key)
      key.encode(into: &writer)
      guard writer.count == 1 &+ count else {
        throw core.miscounted(Form.self, 1 &+ count, writer.count, Form.self, 0, 0)
      }
      return try writer.lend { (key) throws(DurableMapError) in try body(key) }
    }
  }
}
