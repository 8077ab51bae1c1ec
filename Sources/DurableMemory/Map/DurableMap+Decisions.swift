// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// Changes that depend on what is there: nobody else changes the map in between.
///
/// The closures run under the lock of the map. They must be quick, may read the map, and must not
/// change it (`.calledFromWithin`) nor wait for anybody who does.
extension DurableMap {
  /// Sets the value of a key and returns the one it had.
  ///
  /// - Throws: as `set`; `.undecodable` for the value it had, which is replaced all the same.
  @discardableResult
  public func exchange(
    _ key: Key, _ value: Value, timeToLive: Duration? = nil, durability: Durability? = nil
  ) throws(DurableMapError) -> Value? {
    let bytes = try storedValue(value, core.expiry(after: timeToLive))
    return try decide(key, durability) { (_) in .set(bytes) }
  }

  /// Removes a key and returns the value it had.
  ///
  /// - Throws: as `set`; `.undecodable` for the value it had, which is removed all the same.
  @discardableResult
  public func remove(_ key: Key, durability: Durability? = nil) throws(DurableMapError) -> Value? {
    try decide(key, durability) { (_) in .unset }
  }

  /// Returns the value of a key, and sets it to what `make` returns where there is none.
  ///
  /// - Throws: as `set`; `.undecodable`.
  public func getOrInsert(
    _ key: Key, timeToLive: Duration? = nil, durability: Durability? = nil, _ make: () -> Value
  ) throws(DurableMapError) -> Value {
    if let value = try get(key) { return value }
    let expiry = core.expiry(after: timeToLive)
    var made: Value?
    var failure: DurableMapError?
    let found: Value? = try decide(key, durability) { bytes in
      if bytes != nil { return .keep }
      let value = made ?? make()
      made = value
      do throws(DurableMapError) {
        return .set(try storedValue(value, expiry))
      } catch {
        failure = error
        return .keep
      }
    }
    if let failure { throw failure }
    return found ?? made ?? make()
  }

  /// Changes the value of a key in place: `body` gets the value, or `nil` where there is none, and
  /// leaves what it is to be, `nil` for none.
  ///
  /// What `body` throws is passed on, and nothing is changed then. Where there was no room for the
  /// change and a checkpoint has made some, `body` runs once more, with what is there then. The entry
  /// lives as long as the map's options say, counted from now.
  ///
  /// - Throws: as `set`; `.undecodable`; what `body` throws.
  @discardableResult
  public func update<R>(
    _ key: Key, durability: Durability? = nil, _ body: (inout Value?) throws -> R
  ) throws -> R {
    let expiry = core.expiry(after: nil)
    var outcome: Result<R, any Error>?
    try core.checkNotWithin()
    try withStoredKey(key) { (stored) throws(DurableMapError) in
      try core.change(stored, durability) { bytes in
        do {
          var value: Value?
          if let bytes { value = try self.value(bytes) }
          let result = try body(&value)
          let decision = try value.map { Decision.set(try storedValue($0, expiry)) } ?? .unset
          outcome = .success(result)
          return decision
        } catch {
          outcome = .failure(error)
          return .keep
        }
      }
    }
    guard let outcome else { throw core.closedError }
    return try outcome.get()
  }

  /// Sets a key to `new`, `nil` for none, if its value is `expected`, `nil` for none; returns whether
  /// it was.
  ///
  /// Values are the same where their bytes are.
  ///
  /// - Throws: as `set`.
  public func compareAndSwap(
    _ key: Key, expected: Value?, new: Value?, durability: Durability? = nil
  ) throws(DurableMapError) -> Bool {
    let expectedBytes = try expected.map { (value) throws(DurableMapError) in
      try storedValue(value, nil)
    }
    let expiry = core.expiry(after: nil)
    let newBytes = try new.map { (value) throws(DurableMapError) in
      try storedValue(value, expiry)
    }
    var isSwapped = false
    try withStoredKey(key) { (stored) throws(DurableMapError) in
      try core.change(stored, durability) { bytes in
        isSwapped = Self.isSame(bytes, expectedBytes)
        guard isSwapped else { return .keep }
        return newBytes.map { .set($0) } ?? (bytes == nil ? .keep : .unset)
      }
    }
    return isSwapped
  }

  private static func isSame(_ bytes: Span<UInt8>?, _ expected: [UInt8]?) -> Bool {
    guard let expected else { return bytes == nil }
    guard let bytes else { return false }
    let wanted = expected.span
    return bytes.equals(wanted.extracting(1..<wanted.count))
  }

  /// Has `body` decide by the bytes of a value, and returns the value.
  private func decide(
    _ key: Key, _ durability: Durability?, _ body: (Span<UInt8>?) -> Decision
  ) throws(DurableMapError) -> Value? {
    var found: Result<Value, DurableMapError>?
    try withStoredKey(key) { (stored) throws(DurableMapError) in
      try core.change(stored, durability) { bytes in
        // An earlier look may have found what is not there any more.
        found = nil
        if let bytes {
          do throws(DurableMapError) {
            found = .success(try value(bytes))
          } catch {
            found = .failure(error)
          }
        }
        return body(bytes)
      }
    }
    return try found?.get()
  }

  func value(_ bytes: Span<UInt8>) throws(DurableMapError) -> Value {
    do throws(DurableDecodingError) {
      return try Value(decoding: bytes)
    } catch {
      throw core.undecodable(.value, error)
    }
  }

  /// A value with its flags, as it is stored.
  func storedValue(_ value: Value, _ expiry: UInt64?) throws(DurableMapError) -> [UInt8] {
    let count = value.durableByteCount
    try core.check(key: 0, value: count)
    let end = (expiry == nil ? 1 : 9) + count
    return try Scratch.withWriter(end) { (writer) throws(DurableMapError) in
      writer.write(expiry: expiry)
      value.encode(into: &writer)
      guard writer.count == end else {
        throw core.miscounted(Value.self, end, writer.count, Value.self, 0, 0)
      }
      return writer.lend { $0.array }
    }
  }
}
