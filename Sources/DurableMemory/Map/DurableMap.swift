// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// A durable map in memory: reads are answered from memory without a lock, changes go to the log of
/// a database first.
///
/// Safe to use from any number of threads. Lives in a store beside records, under a name of its own;
/// a change returns when it is as durable as asked, and readers see it a little earlier: once it is
/// in the log that will be flushed. Fails without a trace where the log does not take it.
///
/// Where to read on: `MapMemory` has the entries, `MapCore` the way of a change through the log,
/// `StoredForm` what is in the store.
public final class DurableMap<Key: DurableCodable, Value: DurableCodable>: Sendable {
  @usableFromInline let core: MapCore
  @usableFromInline let memory: MapMemory

  init(_ core: MapCore) {
    self.core = core
    memory = core.memory
  }

  deinit {
    core.close()
  }

  /// The name of the map in its store.
  public var name: String { core.name }

  /// How many entries there are, those included that have expired and were not swept yet.
  @inlinable public var count: Int { core.count }

  /// Whether `count` is 0: an entry that has expired and was not swept counts.
  @inlinable public var isEmpty: Bool { count == 0 }

  /// Ends the map; other calls throw `.closed` from then on, and closing once more does nothing.
  ///
  /// Call it before the database is closed, or let go of the map. Does nothing
  /// in a closure that decides on a change. Snapshots stay what they are, and keep their memory.
  ///
  /// Inside a transaction, or where the disk is full, the tree of the map stays in use until a
  /// transaction begins, or the map is opened again, and there is room.
  public func close() {
    core.close()
  }

  /// Makes every earlier change durable.
  ///
  /// - Throws: `.engine(.poisoned)` after a failure of the disk; `.closed`, `.calledFromWithin`.
  public func flush() throws(DurableMapError) {
    try core.checkNotWithin()
    try core.checkOpen()
    try DurableMapError.wrapping { () throws(EngineError) in try core.database.flush() }
  }

  /// Folds what has changed into the pages of the store, so that the log can shrink.
  ///
  /// Happens by itself when enough was logged.
  ///
  /// - Throws: `.engine` with what a checkpoint can fail with; `.closed`, `.calledFromWithin`.
  public func compact() throws(DurableMapError) {
    try core.checkNotWithin()
    try core.checkOpen()
    try DurableMapError.wrapping { () throws(EngineError) in try core.database.checkpoint() }
  }
}

/// Reading.
extension DurableMap {
  /// Reads the value of a key, or `nil`.
  ///
  /// Takes no lock; allocates what the value does.
  ///
  /// - Throws: `.undecodable`, `.closed`.
  @inlinable
  public func get(_ key: Key) throws(DurableMapError) -> Value? {
    try decode(key.withDurableBytes { memory.find($0) })
  }

  /// Reads the value of a key that is given as a part of something, such as a `Substring`.
  ///
  /// - Throws: `.undecodable`, `.closed`.
  @inlinable
  public func get<Form: DurableCodable>(
    _ key: Form
  ) throws(DurableMapError) -> Value? where Form.DurableForm == Key.DurableForm {
    try decode(key.withDurableBytes { memory.find($0) })
  }

  /// Lends the bytes of the value of a key to `body` and returns what that returns; `nil`, without a
  /// call, when there is no value.
  ///
  /// Takes no lock, allocates nothing and copies nothing. `body` should not wait for long: meanwhile
  /// memory that changes give up is not used again.
  ///
  /// - Throws: `.closed`.
  @inlinable
  public func withValue<R>(
    for key: Key, _ body: (Span<UInt8>) -> R
  ) throws(DurableMapError) -> R? {
    try lend(key.withDurableBytes { memory.find($0) }, body)
  }

  /// Lends the bytes of the value of a key that is given as a part of something.
  ///
  /// - Throws: `.closed`.
  @inlinable
  public func withValue<R, Form: DurableCodable>(
    for key: Form, _ body: (Span<UInt8>) -> R
  ) throws(DurableMapError) -> R? where Form.DurableForm == Key.DurableForm {
    try lend(key.withDurableBytes { memory.find($0) }, body)
  }

  /// Lends the bytes of the values of several keys to `body`, one after the other, with the position
  /// of the key, or `nil` where there is no value.
  ///
  /// Faster than one by one: the memory is asked for the next while it fetches the one before. Each is
  /// looked for by itself; a snapshot shows all at one moment.
  ///
  /// - Throws: `.closed`.
  @inlinable
  public func withValues(
    for keys: some Collection<Key>, _ body: (Int, Span<UInt8>?) -> Void
  ) throws(DurableMapError) {
    let line = memory.enter()
    defer { memory.leave(line) }
    var position = 0
    for key in keys {
      let found = key.withDurableBytes { memory.look($0, line) }
      if found.exists {
        found.lend { body(position, $0) }
      } else if found.isClosed {
        throw core.closedError
      } else {
        body(position, nil)
      }
      position += 1
    }
  }

  /// Whether there is a value for a key.
  ///
  /// - Throws: `.closed`.
  @inlinable
  public func contains(_ key: Key) throws(DurableMapError) -> Bool {
    try lend(key.withDurableBytes { memory.find($0) }) { _ in true } ?? false
  }

  /// Whether there is a value for a key that is given as a part of something.
  ///
  /// - Throws: `.closed`.
  @inlinable
  public func contains<Form: DurableCodable>(
    _ key: Form
  ) throws(DurableMapError) -> Bool where Form.DurableForm == Key.DurableForm {
    try lend(key.withDurableBytes { memory.find($0) }) { _ in true } ?? false
  }

  @inlinable
  @inline(__always)
  func decode(_ found: LentBytes) throws(DurableMapError) -> Value? {
    defer { memory.leave(found.line) }
    guard found.exists else {
      if found.isClosed { throw core.closedError }
      return nil
    }
    do throws(DurableDecodingError) {
      return try found.lend { (bytes) throws(DurableDecodingError) in
        try Value(decoding: bytes)
      }
    } catch {
      throw core.undecodable(.value, error)
    }
  }

  @inlinable
  @inline(__always)
  func lend<R>(
    _ found: LentBytes, _ body: (Span<UInt8>) -> R
  ) throws(DurableMapError) -> R? {
    defer { memory.leave(found.line) }
    guard found.exists else {
      if found.isClosed { throw core.closedError }
      return nil
    }
    return found.lend { body($0) }
  }
}
