// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport

/// A map in a store on a simulated disk.
final class MapFixture<Key: DurableCodable, Value: DurableCodable> {
  let store: TestStore
  let options: DurableMapOptions
  private(set) var map: DurableMap<Key, Value>

  init(_ store: TestStore, _ options: DurableMapOptions = DurableMapOptions()) throws {
    self.store = store
    self.options = options
    map = try DurableMap(named: "map", in: store.database, options: options)
  }

  var database: Database { store.database }

  /// Opens the map again that a test has closed.
  func openAgain() throws {
    map = try DurableMap(named: "map", in: store.database, options: options)
  }

  /// Closes map and store, opens both again, and checks that nothing has changed.
  func reopen() throws {
    let before = try map.contents()
    map.close()
    try store.reopen()
    map = try DurableMap(named: "map", in: store.database, options: options)
    let after = try map.contents()
    guard before == after else {
      throw TestFailure("\(before.count) entries, \(after.count) others after reopening")
    }
  }
}

extension DurableMap {
  /// All entries as bytes; fails where the figures of the map say something else.
  func contents() throws -> [[UInt8]: [UInt8]] {
    let view = try snapshot()
    defer { view.close() }
    var entries: [[UInt8]: [UInt8]] = [:]
    var visited = 0
    try view.forEachBytes { key, value in
      entries[Array(copying: key)] = Array(copying: value)
      visited += 1
      return true
    }
    guard visited == entries.count else { throw TestFailure("a key is there twice") }
    let metrics = try metrics()
    let keyBytes = entries.keys.reduce(0) { $0 + $1.count }
    let valueBytes = entries.values.reduce(0) { $0 + $1.count }
    guard
      metrics.count > visited
        || metrics.count == visited && metrics.keyBytes == keyBytes
          && metrics.valueBytes == valueBytes
    else {
      throw TestFailure("\(metrics) for \(visited) entries, \(keyBytes), \(valueBytes) bytes")
    }
    return entries
  }
}

extension [UInt8] {
  init(copying span: Span<UInt8>) {
    self = []
    reserveCapacity(span.count)
    for index in span.indices { append(span[index]) }
  }
}

/// Runs `body` with an empty map, and ends with a full integrity check of the store and of what
/// reopening makes of the map.
func withMap<Key, Value>(
  _ keys: Key.Type, _ values: Value.Type, on disk: SimulatedDisk = SimulatedDisk(),
  options: DurableMapOptions = DurableMapOptions(),
  adjust: (inout Configuration) -> Void = { _ in },
  _ body: (MapFixture<Key, Value>) throws -> Void
) throws {
  try withStore(on: disk, adjust: adjust) { store in
    let fixture = try MapFixture<Key, Value>(store, options)
    try body(fixture)
    try fixture.reopen()
    fixture.map.close()
  }
}

/// A time that a test moves.
final class ManualClock: Sendable {
  private let time = Guarded<UInt64>(1_000_000)
  private let interruption = Guarded<(callsLeft: Int, body: (@Sendable () -> Void)?)>((0, nil))

  var now: UInt64 {
    let body = interruption.withLock { interruption -> (@Sendable () -> Void)? in
      interruption.callsLeft -= 1
      guard interruption.callsLeft == 0 else { return nil }
      defer { interruption.body = nil }
      return interruption.body
    }
    body?()
    return time.withLock { $0 }
  }

  /// Runs `body` when it is asked for the time for the so manieth time from now on.
  func runOnce(atCall number: Int, _ body: @escaping @Sendable () -> Void) {
    interruption.withLock { $0 = (number, body) }
  }

  func advance(milliseconds: UInt64) {
    time.withLock { $0 += milliseconds }
  }

  func putBack(milliseconds: UInt64) {
    time.withLock { $0 -= milliseconds }
  }

  func options(timeToLive: Duration? = nil) -> DurableMapOptions {
    var options = DurableMapOptions()
    options.clock = { [self] in now }
    options.timeToLive = timeToLive
    return options
  }
}
