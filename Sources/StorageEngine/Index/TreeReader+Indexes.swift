// SPDX-License-Identifier: Apache-2.0

/// What any view can read of indexes.
extension TreeReader {
  /// Lists all indexes, ordered by name.
  public func indexes() throws(IndexError) -> [IndexInfo] {
    let trees = try IndexError.wrapping { () throws(EngineError) in try self.trees() }
    var found: [IndexInfo] = []
    for (name, tree) in trees {
      guard let name = StoredName.name(ofTree: name, after: StoredName.indexPrefix) else {
        continue
      }
      found.append(try info(name, tree))
    }
    return found
  }

  private func info(_ name: String, _ tree: TreeID) throws(IndexError) -> IndexInfo {
    let header = try IndexError.wrapping { () throws(EngineError) in
      try value(forKey: IndexTree.headerKey, in: tree)
    }
    guard let header, let info = IndexTree.info(header, name: name) else {
      throw .malformed(index: name, key: IndexTree.headerKey)
    }
    return info
  }

  /// Whether there is an index of that name, whatever its types.
  public func hasIndex(named name: String) throws(IndexError) -> Bool {
    try IndexError.wrapping { () throws(EngineError) in
      try tree(named: StoredName.indexPrefix + name) != nil
    }
  }

  /// Finds an index by name, or returns `nil`.
  ///
  /// - Throws: `.typeMismatch` when it has other keys or values.
  public func index<Key, Value>(
    named name: String, keys: Key.Type, values: Value.Type
  ) throws(IndexError) -> Index<Key, Value>? {
    let tree = try IndexError.wrapping { () throws(EngineError) in
      try self.tree(named: StoredName.indexPrefix + name)
    }
    guard let tree else { return nil }
    let info = try info(name, tree)
    guard info.keys == Key.indexType, info.values == Value.indexType else {
      throw .typeMismatch(index: name, keys: info.keys, values: info.values)
    }
    return Index(name: name, mode: info.mode, tree: tree)
  }

  /// All values of a key, in order; none when it is absent.
  public func values<Key, Value>(
    forKey key: Key, in index: Index<Key, Value>
  ) throws(IndexError) -> [Value] {
    let prefix = IndexTree.prefix(key)
    guard index.mode == .cluster else {
      guard let stored = try stored(prefix, in: index) else { return [] }
      return [try index.value(stored, at: prefix)]
    }
    try noteRead(prefix, in: index)
    let cursor = try range(in: index, .only(key))
    var values: [Value] = []
    while let entry = try cursor.next() { values.append(entry.value) }
    return values
  }

  /// The first value of a key, or `nil`.
  public func first<Key, Value>(
    forKey key: Key, in index: Index<Key, Value>
  ) throws(IndexError) -> Value? {
    let prefix = IndexTree.prefix(key)
    guard index.mode == .cluster else {
      return try stored(prefix, in: index).map { stored throws(IndexError) in
        try index.value(stored, at: prefix)
      }
    }
    try noteRead(prefix, in: index)
    return try range(in: index, .only(key)).next()?.value
  }

  /// Notes that a key of a cluster index is read, with whatever values it has.
  ///
  /// They are entries of the tree each, visited by a cursor, which does not count where what is
  /// read is checked key by key.
  func noteRead<Key, Value>(
    _ prefix: [UInt8], in index: Index<Key, Value>
  ) throws(IndexError) {
    guard let transaction = self as? Transaction else { return }
    try inIndex(index) { () throws(EngineError) in
      try transaction.noteKey(spanning: .prefix(prefix), in: index.tree)
    }
  }

  private func stored<Key, Value>(
    _ key: [UInt8], in index: Index<Key, Value>
  ) throws(IndexError) -> [UInt8]? {
    try inIndex(index) { () throws(EngineError) in try value(forKey: key, in: index.tree) }
  }

  /// Starts a visit of the entries within bounds, in the order of their keys, of one key in the
  /// order of its values.
  ///
  /// It shows the index as it is now.
  public func range<Key, Value>(
    in index: Index<Key, Value>, _ bounds: IndexBounds<Key> = .all
  ) throws(IndexError) -> IndexCursor<Key, Value> {
    let range = bounds.range
    let forward = try inIndex(index) { () throws(EngineError) in
      try cursor(in: index.tree, range: range, reversed: false)
    }
    let backward = try inIndex(index) { () throws(EngineError) in
      try cursor(in: index.tree, range: range, reversed: true)
    }
    return IndexCursor(index, forward: forward, backward: backward)
  }

  /// Counts the entries of an index: its keys, in a cluster index their values.
  public func count<Key, Value>(of index: Index<Key, Value>) throws(IndexError) -> UInt64 {
    // One entry describes the index.
    try inIndex(index) { () throws(EngineError) in max(1, try count(of: index.tree)) - 1 }
  }

  /// Runs `body`, and says of a tree that is not there that the index is not.
  func inIndex<Key, Value, R>(
    _ index: Index<Key, Value>, _ body: () throws(EngineError) -> R
  ) throws(IndexError) -> R {
    do {
      return try body()
    } catch {
      if case .treeNotFound = error { throw .indexNotFound(index.name) }
      throw .engine(error)
    }
  }
}

extension Index {
  /// Reads a value alone.
  func value(_ bytes: [UInt8], at key: [UInt8]) throws(IndexError) -> Value {
    var decoder = IndexDecoder(bytes)
    guard let value = try? Value(decoding: &decoder), decoder.isAtEnd else {
      throw .malformed(index: name, key: key)
    }
    return value
  }

  /// Reads an entry.
  func entry(_ key: [UInt8], _ stored: [UInt8]) throws(IndexError) -> (key: Key, value: Value) {
    var decoder = IndexDecoder(key, from: 1)
    guard let decoded = try? Key(decoding: &decoder) else {
      throw .malformed(index: name, key: key)
    }
    if mode == .cluster {
      guard let value = try? Value(decoding: &decoder), decoder.isAtEnd else {
        throw .malformed(index: name, key: key)
      }
      return (decoded, value)
    }
    guard decoder.isAtEnd else { throw .malformed(index: name, key: key) }
    return (decoded, try value(stored, at: key))
  }
}

/// Visits the entries of an index from both ends, until they meet.
///
/// Not for use by several threads.
public final class IndexCursor<Key: IndexElement, Value: IndexElement> {
  private let index: Index<Key, Value>
  private let forward: Cursor
  private let backward: Cursor
  private var first: [UInt8]?
  private var last: [UInt8]?
  private var isDone = false

  init(_ index: Index<Key, Value>, forward: Cursor, backward: Cursor) {
    self.index = index
    self.forward = forward
    self.backward = backward
  }

  /// The next entry from the beginning; `nil` when there is none.
  public func next() throws(IndexError) -> (key: Key, value: Value)? {
    try step(forward) { key in
      self.first = key
      return self.last.map { key.lexicographicallyPrecedes($0) } ?? true
    }
  }

  /// The next entry from the end; `nil` when there is none.
  public func nextBack() throws(IndexError) -> (key: Key, value: Value)? {
    try step(backward) { key in
      self.last = key
      return self.first.map { $0.lexicographicallyPrecedes(key) } ?? true
    }
  }

  private func step(
    _ cursor: Cursor, _ isApart: ([UInt8]) -> Bool
  ) throws(IndexError) -> (key: Key, value: Value)? {
    if isDone { return nil }
    let found = try IndexError.wrapping { () throws(EngineError) in try cursor.next() }
    guard found, isApart(cursor.key) else {
      isDone = true
      return nil
    }
    let stored = try IndexError.wrapping { () throws(EngineError) in
      index.mode == .cluster ? [] : try cursor.value()
    }
    return try index.entry(cursor.key, stored)
  }
}
