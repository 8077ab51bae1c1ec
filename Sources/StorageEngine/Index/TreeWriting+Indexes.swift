// SPDX-License-Identifier: Apache-2.0

/// What a transaction can change of indexes.
extension TreeWriting {
  /// Creates an index.
  ///
  /// - Throws: `.indexExists`, `.invalidName`, `.unsupportedTypes`.
  public func createIndex<Key, Value>(
    named name: String, keys: Key.Type, values: Value.Type, mode: IndexMode
  ) throws(IndexError) -> Index<Key, Value> {
    let limit = Catalog.maximumNameBytes - StoredName.indexPrefix.utf8.count
    guard (1...limit).contains(name.utf8.count) else { throw .invalidName(name, limit: limit) }
    let header = IndexTree.header(mode, Key.indexType, Value.indexType)
    guard IndexTree.info(header, name: name) != nil else {
      throw .unsupportedTypes(keys: Key.indexType, values: Value.indexType)
    }
    do {
      let tree = try withWork { work throws(EngineError) in
        try work.createStoredTree(named: StoredName.indexPrefix + name)
      }
      try put(header, forKey: IndexTree.headerKey, in: tree)
      return Index(name: name, mode: mode, tree: tree)
    } catch {
      guard case .treeExists = error else { throw .engine(error) }
      // Who is told that there is one has read that.
      _ = try hasIndex(named: name)
      throw .indexExists(name)
    }
  }

  /// Drops an index.
  ///
  /// - Throws: `.indexNotFound`; `.createdInTransaction` for one that this transaction made.
  public func dropIndex(named name: String) throws(IndexError) {
    let tree = try IndexError.wrapping { () throws(EngineError) in
      try self.tree(named: StoredName.indexPrefix + name)
    }
    guard let tree else { throw .indexNotFound(name) }
    let isNew = try IndexError.wrapping { () throws(EngineError) in
      try withWork { $0.hasCreated(tree) }
    }
    if isNew { throw .createdInTransaction(name) }
    try IndexError.wrapping { () throws(EngineError) in try dropTree(tree) }
  }

  /// Gives a key a value: the only one, or in a cluster index one more.
  ///
  /// - Throws: `.duplicateKey` when an exclusive index has another for it, `.keyTooLong`,
  ///   `.valueTooLong`, `.indexNotFound`.
  public func put<Key, Value>(
    _ value: Value, forKey key: Key, in index: Index<Key, Value>
  ) throws(IndexError) {
    let (entry, stored) = index.entry(value, forKey: key)
    try checkLengths(entry, stored)
    if index.mode == .exclusive { try claim(entry, stored, index) }
    try inIndex(index) { () throws(EngineError) in
      try put(stored, forKey: entry, in: index.tree)
    }
  }

  private func checkLengths(_ entry: [UInt8], _ stored: [UInt8]) throws(IndexError) {
    let keyLimit = PageGeometry.maximumKeyBytes
    guard entry.count <= keyLimit else {
      throw .keyTooLong(length: entry.count - 1, limit: keyLimit - 1)
    }
    let valueLimit = PageGeometry.maximumValueBytes
    guard stored.count <= valueLimit else {
      throw .valueTooLong(length: stored.count, limit: valueLimit)
    }
  }

  /// Makes sure that an exclusive index has no other value for a key, now and at the commit.
  private func claim<Key, Value>(
    _ entry: [UInt8], _ stored: [UInt8], _ index: Index<Key, Value>
  ) throws(IndexError) {
    // Read as any key is, so that a transaction that is refused has read the key.
    let present = try inIndex(index) { () throws(EngineError) in
      try value(forKey: entry, in: index.tree)
    }
    let committed = try IndexError.wrapping { () throws(EngineError) in
      try withWork { work throws(EngineError) in
        try work.committedValue(forKey: entry, in: index.tree)
      }
    }
    let exclusive = ExclusiveKey(
      index: index.name, tree: index.tree.rawValue, key: entry, value: stored,
      replaced: committed)
    if let present, present != stored {
      throw .duplicateKey(index: index.name, key: exclusive.userKey)
    }
    try IndexError.wrapping { () throws(EngineError) in
      try withWork { if !$0.isAlone { $0.exclusiveKeys[exclusive.place] = exclusive } }
    }
  }

  /// Removes a key with all its values; an absent one is ignored.
  public func removeKey<Key, Value>(
    _ key: Key, from index: Index<Key, Value>
  ) throws(IndexError) {
    let prefix = IndexTree.prefix(key)
    guard index.mode == .cluster else { return try remove([prefix], from: index) }
    try noteRead(prefix, in: index)
    let entries = try inIndex(index) { () throws(EngineError) -> [[UInt8]] in
      var entries: [[UInt8]] = []
      let cursor = try cursor(in: index.tree, range: .prefix(prefix), reversed: false)
      while try cursor.next() { entries.append(cursor.key) }
      return entries
    }
    try remove(entries, from: index)
  }

  /// Removes one value of a key; false when the key does not have it.
  @discardableResult
  public func remove<Key, Value>(
    _ value: Value, forKey key: Key, from index: Index<Key, Value>
  ) throws(IndexError) -> Bool {
    let (entry, stored) = index.entry(value, forKey: key)
    guard entry.count <= PageGeometry.maximumKeyBytes else { return false }
    let present = try inIndex(index) { () throws(EngineError) in
      try self.value(forKey: entry, in: index.tree)
    }
    guard present == stored else { return false }
    try remove([entry], from: index)
    return true
  }

  private func remove<Key, Value>(
    _ entries: [[UInt8]], from index: Index<Key, Value>
  ) throws(IndexError) {
    try inIndex(index) { () throws(EngineError) in
      for entry in entries where entry.count <= PageGeometry.maximumKeyBytes {
        try delete(entry, in: index.tree)
        guard index.mode == .exclusive else { continue }
        let place = ExclusiveKey.Place(tree: index.tree.rawValue, key: entry)
        try withWork { $0.exclusiveKeys[place] = nil }
      }
    }
  }
}
