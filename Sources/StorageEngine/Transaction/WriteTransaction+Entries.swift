// SPDX-License-Identifier: Apache-2.0

/// Reading and changing entries.
extension WriteTransaction {
  /// Counts the entries of a tree, own changes included.
  ///
  /// Looks at every changed key.
  public func count(of tree: TreeID) throws(EngineError) -> UInt64 {
    let descriptor = try descriptor(tree)
    var count = descriptor.entries
    let merge = try changes.merged(in: tree.rawValue, range: .all)
    while let change = merge.current {
      let exists = try database.pager.contains(change.key, in: descriptor)
      if change.operation == .delete {
        if exists { count -= 1 }
      } else if !exists {
        count += 1
      }
      try merge.advance()
    }
    return count
  }

  /// Copies the value of a key, or returns `nil`.
  public func value(forKey key: [UInt8], in tree: TreeID) throws(EngineError) -> [UInt8]? {
    let descriptor = try descriptor(tree)
    guard !key.isEmpty, key.count <= PageGeometry.maximumKeyBytes else { return nil }
    return try key.withBytes { (bytes) throws(EngineError) in
      if let change = try changes.find(bytes, in: tree.rawValue) { return try value(of: change) }
      return try database.pager.value(forKey: bytes, in: descriptor)
    }
  }

  /// The value of a key without the changes of this transaction.
  func committedValue(forKey key: [UInt8], in tree: TreeID) throws(EngineError) -> [UInt8]? {
    let descriptor = try descriptor(tree)
    return try key.withBytes { (bytes) throws(EngineError) in
      try database.pager.value(forKey: bytes, in: descriptor)
    }
  }

  /// Whether a key has a value.
  func contains(_ key: [UInt8], in tree: TreeID) throws(EngineError) -> Bool {
    let descriptor = try descriptor(tree)
    return try key.withBytes { (bytes) throws(EngineError) in
      if let change = try changes.find(bytes, in: tree.rawValue) {
        return change.operation != .delete
      }
      return try database.pager.contains(bytes, in: descriptor)
    }
  }

  /// The value that a change of this transaction leaves behind.
  func value(of change: KeyChange) throws(EngineError) -> [UInt8]? {
    switch change.operation {
    case .put: return change.value.array
    case .putDirect: return try database.pager.directValue(change.value)
    case .delete: return nil
    }
  }

  /// Inserts or replaces.
  ///
  /// Keys have 1 to 1024 bytes, values at most 1 GiB.
  public func put(_ value: [UInt8], forKey key: [UInt8], in tree: TreeID) throws(EngineError) {
    _ = try descriptor(tree)
    try checkKey(key)
    guard value.count <= PageGeometry.maximumValueBytes else {
      throw .valueTooLong(length: value.count, limit: PageGeometry.maximumValueBytes)
    }
    if value.count > PageGeometry.directValueBytes {
      try putDirect(value, forKey: key, in: tree)
    } else {
      set(.put, key, in: tree, value: value)
    }
    try spillIfLarge()
  }

  /// Deletes a key; absent keys are ignored.
  public func delete(_ key: [UInt8], in tree: TreeID) throws(EngineError) {
    _ = try descriptor(tree)
    try checkKey(key)
    set(.delete, key, in: tree, value: [])
    try spillIfLarge()
  }

  private func checkKey(_ key: [UInt8]) throws(EngineError) {
    guard !key.isEmpty, key.count <= PageGeometry.maximumKeyBytes else {
      throw .invalidKeyLength(length: key.count, limit: PageGeometry.maximumKeyBytes)
    }
  }

  func set(
    _ operation: LogRecord.KeyOperation, _ key: [UInt8], in tree: TreeID, value: [UInt8]
  ) {
    note = nil
    let replaced = key.withBytes { keyBytes in
      value.withBytes { changes.set(operation, keyBytes, in: tree.rawValue, value: $0) }
    }
    if let replaced, replaced.operation == .putDirect { abandon(replaced.value.array) }
  }

  /// Writes the changes to the disk when they take more memory than is allowed.
  private func spillIfLarge() throws(EngineError) {
    guard changes.recent.memoryBytes > database.configuration.transactionMemoryBytes else {
      return
    }
    try database.checkChangeable()
    do throws(EngineError) {
      try changes.spill(without: droppedTrees)
    } catch {
      throw database.poisonIfBroken(error)
    }
    wroteDirectly = true
  }

  /// Starts a cursor that shows the tree as it is now, own changes included.
  public func cursor(
    in tree: TreeID, range: KeyRange, reversed: Bool
  ) throws(EngineError) -> Cursor {
    let descriptor = try descriptor(tree)
    if !directValues.isEmpty { cursorsShowLargeValues = true }
    return Cursor(
      pager: database.pager, tree: descriptor, view: self, range: range, reversed: reversed,
      changes: try changes.merged(in: tree.rawValue, range: range, reversed: reversed))
  }
}
