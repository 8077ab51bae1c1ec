// SPDX-License-Identifier: Apache-2.0

/// A map as it was at one moment, to be gone through while others change it.
///
/// Taking one lists the tables, one for some two thousand entries; only those who change the map wait
/// for that. As long as it is open, what changes is kept besides what it shows; so close it, or let go
/// of it, when it is no longer needed.
public final class DurableMapSnapshot<Key: DurableCodable, Value: DurableCodable>: Sendable {
  private let core: MapSnapshot

  init(_ core: MapSnapshot) {
    self.core = core
  }

  /// How many entries it shows, less those that had expired.
  ///
  /// Looks at every entry.
  ///
  /// - Throws: `.closed`.
  public func count() throws(DurableMapError) -> Int {
    var count = 0
    try core.visit { (_) throws(DurableMapError) in
      count += 1
      return true
    }
    return count
  }

  /// Calls `body` with each entry once, in no particular order, until it returns false.
  ///
  /// - Throws: `.undecodable`, `.closed`; what `body` throws.
  public func forEach(_ body: (Key, Value) throws -> Bool) throws {
    var failure: (any Error)?
    try core.visit { (entry) throws(DurableMapError) in
      let (key, value) = (try key(entry), try value(entry))
      do {
        return try body(key, value)
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
  }

  /// Lends the bytes of each entry to `body`, key and value, in no particular order, until it returns
  /// false.
  ///
  /// - Throws: `.closed`.
  public func forEachBytes(
    _ body: (Span<UInt8>, Span<UInt8>) -> Bool
  ) throws(DurableMapError) {
    try core.visit { (entry) throws(DurableMapError) in
      entry.lendKey { key in entry.lendValue { value in body(key, value) } }
    }
  }

  /// All keys, in no particular order.
  ///
  /// - Throws: `.undecodable`, `.closed`.
  public func keys() throws(DurableMapError) -> [Key] {
    var keys: [Key] = []
    keys.reserveCapacity(core.storedCount)
    try core.visit { (entry) throws(DurableMapError) in
      keys.append(try key(entry))
      return true
    }
    return keys
  }

  /// All entries, in no particular order.
  ///
  /// - Throws: `.undecodable`, `.closed`.
  public func entries() throws(DurableMapError) -> [(key: Key, value: Value)] {
    var entries: [(key: Key, value: Value)] = []
    entries.reserveCapacity(core.storedCount)
    try core.visit { (entry) throws(DurableMapError) in
      entries.append((try key(entry), try value(entry)))
      return true
    }
    return entries
  }

  /// Gives the view up; later calls throw `.closed`.
  ///
  /// Also done when the last reference goes. Waits for calls that are going through it.
  public func close() {
    core.close()
  }

  private func key(_ entry: Entry) throws(DurableMapError) -> Key {
    do throws(DurableDecodingError) {
      return try entry.lendKey { (bytes) throws(DurableDecodingError) in try Key(decoding: bytes) }
    } catch {
      throw .undecodable(map: core.name, role: .key, problem: error.problem)
    }
  }

  private func value(_ entry: Entry) throws(DurableMapError) -> Value {
    do throws(DurableDecodingError) {
      return try entry.lendValue { (bytes) throws(DurableDecodingError) in
        try Value(decoding: bytes)
      }
    } catch {
      throw .undecodable(map: core.name, role: .value, problem: error.problem)
    }
  }
}

extension DurableMap {
  /// Takes a view of all entries as they are now, which changes do not disturb.
  ///
  /// - Throws: `.closed`.
  public func snapshot() throws(DurableMapError) -> DurableMapSnapshot<Key, Value> {
    DurableMapSnapshot(try MapSnapshot(core))
  }

  /// All keys as they are now, in no particular order.
  ///
  /// - Throws: `.undecodable`, `.closed`.
  public func keys() throws(DurableMapError) -> [Key] {
    let view = try snapshot()
    defer { view.close() }
    return try view.keys()
  }
}
