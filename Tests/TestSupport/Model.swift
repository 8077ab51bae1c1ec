// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// One change of a store.
public enum Change: Sendable, Equatable {
  case put(tree: String, key: [UInt8], value: [UInt8])
  case delete(tree: String, key: [UInt8])
  case createTree(String)
  case dropTree(String)

  /// Makes the change in a transaction.
  public func apply(to transaction: WriteTransaction) throws {
    switch self {
    case .put(let name, let key, let value):
      try transaction.put(value, forKey: key, in: Self.tree(name, transaction))
    case .delete(let name, let key):
      try transaction.delete(key, in: Self.tree(name, transaction))
    case .createTree(let name): _ = try transaction.createTree(named: name)
    case .dropTree(let name): try transaction.dropTree(Self.tree(name, transaction))
    }
  }

  private static func tree(_ name: String, _ transaction: WriteTransaction) throws -> TreeID {
    guard let tree = try transaction.tree(named: name) else {
      throw TestFailure("the store has no tree \(name)")
    }
    return tree
  }
}

/// What a store should hold, in dictionaries.
public struct Model: Sendable, Equatable {
  /// Keys and values of each tree.
  public private(set) var trees: [String: [[UInt8]: [UInt8]]] = [:]

  /// A model of an empty store.
  public init() {}

  /// Makes a change.
  public mutating func apply(_ change: Change) {
    switch change {
    case .put(let tree, let key, let value): trees[tree, default: [:]][key] = value
    case .delete(let tree, let key): trees[tree]?[key] = nil
    case .createTree(let tree): trees[tree] = [:]
    case .dropTree(let tree): trees[tree] = nil
    }
  }

  /// Makes several changes.
  public mutating func apply(_ changes: [Change]) {
    for change in changes { apply(change) }
  }

  /// Compares with a store, every key and value.
  ///
  /// Throws a `TestFailure` that names the first difference, and whatever reading throws.
  public func verify(_ reader: any TreeReader) throws {
    let found = try reader.trees()
    let names = found.map(\.name)
    guard names == trees.keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) else {
      throw TestFailure("trees \(names) instead of \(trees.keys.sorted())")
    }
    for (name, tree) in found {
      try verify(name, trees[name] ?? [:], tree, reader)
    }
  }

  private func verify(
    _ name: String, _ expected: [[UInt8]: [UInt8]], _ tree: TreeID, _ reader: any TreeReader
  ) throws {
    var visited = 0
    var previous: [UInt8]?
    let cursor = try reader.cursor(in: tree)
    while try cursor.next() {
      let key = cursor.key
      if let previous, !previous.lexicographicallyPrecedes(key) {
        throw TestFailure("tree \(name): key \(key) comes after \(previous)")
      }
      previous = key
      visited += 1
      guard let value = expected[key] else {
        throw TestFailure("tree \(name): key \(Self.text(key)) should not be there")
      }
      let found = try cursor.value()
      if found != value {
        throw TestFailure(
          "tree \(name): key \(Self.text(key)) has \(found.count) other bytes than the expected "
            + "\(value.count)")
      }
    }
    guard visited == expected.count else {
      throw TestFailure("tree \(name): \(visited) entries instead of \(expected.count)")
    }
    let count = try reader.count(of: tree)
    guard count == UInt64(visited) else {
      throw TestFailure("tree \(name): counts \(count) entries, a cursor visits \(visited)")
    }
  }

  private static func text(_ key: [UInt8]) -> String {
    "'\(String(decoding: key.prefix(40), as: UTF8.self))' \(key.prefix(16))"
  }
}

/// Why a test failed, in words that let it be repeated.
public struct TestFailure: Error, CustomStringConvertible {
  /// The words.
  public let description: String

  /// Creates a failure.
  public init(_ description: String) {
    self.description = description
  }
}
