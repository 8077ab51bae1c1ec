// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import Workloads

/// What can be counted of durable maps.
enum MapOperation: String, CaseIterable {
  /// The length of the value of a number.
  case mapGet
  /// The same of a text of 24 bytes.
  case mapGetText
  /// One new entry without a flush.
  case mapSet
  /// An entry that takes the place of another, without a flush.
  case mapReplace
  /// A durable change.
  case mapCommit

  private static let loaded = 20_000
  private static let value = [UInt8](repeating: 1, count: 150)

  /// Does the operation so many times; whether each did its work.
  ///
  /// `counting` is called when everything is ready.
  func run(_ database: Database, _ count: Int, counting: () -> Void) throws -> Bool {
    if self == .mapGetText { return try runTexts(database, count, counting) }
    var options = DurableMapOptions()
    options.seed = 1
    let map = try DurableMap<UInt64, [UInt8]>(named: "map", in: database, options: options)
    for key in 0..<UInt64(Self.loaded) { try map.set(key, Self.value, durability: .manual) }
    try map.compact()
    let positions = SplitMix64.positions(count, below: Self.loaded)
    counting()
    var sum = 0
    switch self {
    case .mapGet, .mapGetText:
      for position in positions {
        sum += try map.withValue(for: UInt64(position)) { $0.count } ?? 0
      }
      return sum == count * Self.value.count
    case .mapSet:
      for key in 0..<count {
        try map.set(UInt64(Self.loaded + key), Self.value, durability: .manual)
      }
    case .mapReplace:
      for position in positions {
        sum += try map.set(UInt64(position), Self.value, durability: .manual) ? 1 : 0
      }
    case .mapCommit:
      for key in 0..<count { try map.set(UInt64(Self.loaded + key), Self.value) }
    }
    return self == .mapReplace ? sum == count : map.count == Self.loaded + count
  }

  private func runTexts(
    _ database: Database, _ count: Int, _ counting: () -> Void
  ) throws -> Bool {
    var options = DurableMapOptions()
    options.seed = 1
    let map = try DurableMap<String, [UInt8]>(named: "map", in: database, options: options)
    let keys = (0..<Self.loaded).map { "the key with number \(10_000 + $0 % 90_000)" }
    for key in keys { try map.set(key, Self.value, durability: .manual) }
    let positions = SplitMix64.positions(count, below: Self.loaded)
    counting()
    var sum = 0
    for position in positions {
      sum += try map.withValue(for: keys[Int(position)]) { $0.count } ?? 0
    }
    return sum == count * Self.value.count
  }
}
