// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Reads of an index in a transaction, merged with its own changes, against a model.
///
/// RECORD_STORE_INDEX_ROUNDS is the number of transactions for each mode.
struct IndexMergeTests {
  /// The values of each key, in a cluster index several.
  private typealias Entries = [Int: Set<Int>]
  private typealias Numbers = Index<Int, Int>

  @Test(arguments: IndexMode.allCases)
  func `a transaction reads an index with its own changes on top`(_ mode: IndexMode) throws {
    let seed = TestEnvironment.seed
    var random = SplitMix64(seed: seed &+ UInt64(mode.rawValue))
    do {
      try withStore { store in
        let index: Numbers = try store.database.transact {
          try $0.createIndex(named: "numbers", keys: Int.self, values: Int.self, mode: mode)
        }
        var model: Entries = [:]
        for _ in 0..<TestEnvironment.count("RECORD_STORE_INDEX_ROUNDS", quick: 40) {
          let before = model
          let transaction = try store.database.begin()
          for _ in 0..<random.below(5) {
            for _ in 0..<random.below(60) { try change(transaction, index, &model, &random) }
            for _ in 0..<6 { try compare(transaction, index, model, &random) }
            for key in 0..<8 { try compare(transaction, index, model, key: key * 5) }
          }
          try store.database.read { try compare($0, index, before, bounds: .all, model: before) }
          if random.chance(1, in: 4) {
            transaction.rollback()
            model = before
          } else {
            try transaction.commit()
          }
          try store.database.read { try compare($0, index, model, &random) }
        }
      }
    } catch {
      throw TestFailure("RECORD_STORE_SEED=\(seed): \(error)")
    }
  }

  private func change(
    _ transaction: Transaction, _ index: Numbers, _ model: inout Entries,
    _ random: inout SplitMix64
  ) throws {
    let key = random.below(400) - 200
    let value = random.below(5)
    switch random.below(8) {
    case 0:
      try transaction.removeKey(key, from: index)
      model[key] = nil
    case 1:
      let wasThere = model[key]?.remove(value) != nil
      if model[key]?.isEmpty == true { model[key] = nil }
      #expect(try transaction.remove(value, forKey: key, from: index) == wasThere)
    case 2 where random.chance(1, in: 8):
      // Whole leaves, seen by whoever visits meanwhile.
      for key in key..<key + 100 {
        try transaction.removeKey(key, from: index)
        model[key] = nil
      }
    default:
      try put(value, key, transaction, index, &model)
    }
  }

  private func put(
    _ value: Int, _ key: Int, _ transaction: Transaction, _ index: Numbers,
    _ model: inout Entries
  ) throws {
    if index.mode == .exclusive, let present = model[key], present != [value] {
      #expect(throws: IndexError.self) { try transaction.put(value, forKey: key, in: index) }
      return
    }
    try transaction.put(value, forKey: key, in: index)
    if index.mode == .cluster {
      model[key, default: []].insert(value)
    } else {
      model[key] = [value]
    }
  }

  private func compare(
    _ reader: any TreeReader, _ index: Numbers, _ model: Entries, key: Int
  ) throws {
    let expected = model[key]?.sorted() ?? []
    #expect(try reader.values(forKey: key, in: index) == expected)
    #expect(try reader.first(forKey: key, in: index) == expected.first)
  }

  private func compare(
    _ reader: any TreeReader, _ index: Numbers, _ model: Entries, _ random: inout SplitMix64
  ) throws {
    let keys = [random.below(420) - 210, random.below(420) - 210]
    func bound(_ key: Int) -> IndexBounds<Int>.Bound {
      [.unbounded, .included(key), .excluded(key)][random.below(3)]
    }
    let bounds = IndexBounds(from: bound(keys[0]), to: bound(keys[1]))
    let expected = model.filter { bounds.holds($0.key) }
    try compare(reader, index, expected, bounds: bounds, model: model)
    try meet(reader, index, expected, bounds, &random)
  }

  /// Compares a whole visit, in both directions, and the count of all.
  private func compare(
    _ reader: any TreeReader, _ index: Numbers, _ expected: Entries, bounds: IndexBounds<Int>,
    model: Entries
  ) throws {
    let flat = Self.flat(expected)
    let forward = try reader.entries(of: index, bounds)
    #expect(forward.map { [$0.key, $0.value] } == flat)
    let cursor = try reader.range(in: index, bounds)
    var backward: [[Int]] = []
    while let entry = try cursor.nextBack() { backward.append([entry.key, entry.value]) }
    #expect(backward == flat.reversed())
    #expect(try reader.count(of: index) == UInt64(Self.flat(model).count))
  }

  /// Visits from both ends in random turns until they meet.
  private func meet(
    _ reader: any TreeReader, _ index: Numbers, _ expected: Entries, _ bounds: IndexBounds<Int>,
    _ random: inout SplitMix64
  ) throws {
    let cursor = try reader.range(in: index, bounds)
    var left: [[Int]] = []
    var right: [[Int]] = []
    while true {
      let isForward = random.chance(1, in: 2)
      guard let entry = try isForward ? cursor.next() : cursor.nextBack() else { break }
      if isForward {
        left.append([entry.key, entry.value])
      } else {
        right.append([entry.key, entry.value])
      }
    }
    #expect(left + right.reversed() == Self.flat(expected))
    #expect(try cursor.next() == nil && cursor.nextBack() == nil)
  }

  private static func flat(_ entries: Entries) -> [[Int]] {
    entries.sorted { $0.key < $1.key }.flatMap { entry in
      entry.value.sorted().map { [entry.key, $0] }
    }
  }
}

extension IndexBounds<Int> {
  /// Whether a key lies within.
  func holds(_ key: Int) -> Bool {
    let isAbove =
      switch lower {
      case .unbounded: true
      case .included(let bound): key >= bound
      case .excluded(let bound): key > bound
      }
    let isBelow =
      switch upper {
      case .unbounded: true
      case .included(let bound): key <= bound
      case .excluded(let bound): key < bound
      }
    return isAbove && isBelow
  }
}
