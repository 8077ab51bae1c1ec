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
    let (keySpan, valueSpan) = (key.span, value.span)
    try put(valueSpan, forKey: keySpan, in: tree)
  }

  /// Inserts or replaces what need not be an array.
  public func put(
    _ value: Span<UInt8>, forKey key: Span<UInt8>, in tree: TreeID
  ) throws(EngineError) {
    try checkTree(tree)
    try checkKey(key.count)
    guard value.count <= PageGeometry.maximumValueBytes else {
      throw .valueTooLong(length: value.count, limit: PageGeometry.maximumValueBytes)
    }
    if value.count > PageGeometry.directValueBytes {
      try putDirect([UInt8](copying: value), forKey: [UInt8](copying: key), in: tree)
    } else {
      key.withBytes { key in value.withBytes { set(.put, key, in: tree, value: $0) } }
    }
    try spillIfLarge()
  }

  /// Deletes a key; absent keys are ignored.
  public func delete(_ key: [UInt8], in tree: TreeID) throws(EngineError) {
    let span = key.span
    try delete(span, in: tree)
  }

  /// Deletes a key that need not be an array; absent keys are ignored.
  public func delete(_ key: Span<UInt8>, in tree: TreeID) throws(EngineError) {
    try checkTree(tree)
    try checkKey(key.count)
    key.withBytes { set(.delete, $0, in: tree, value: $0.prefix(0)) }
    try spillIfLarge()
  }

  private func checkKey(_ length: Int) throws(EngineError) {
    guard length > 0, length <= PageGeometry.maximumKeyBytes else {
      throw .invalidKeyLength(length: length, limit: PageGeometry.maximumKeyBytes)
    }
  }

  private func checkTree(_ tree: TreeID) throws(EngineError) {
    try checkOpen()
    guard treeSet[tree.rawValue] != nil else {
      throw .treeNotFound("number \(tree.rawValue)")
    }
  }

  func set(
    _ operation: LogRecord.KeyOperation, _ key: [UInt8], in tree: TreeID, value: [UInt8]
  ) {
    key.withBytes { key in value.withBytes { set(operation, key, in: tree, value: $0) } }
  }

  private func set(
    _ operation: LogRecord.KeyOperation, _ key: Bytes, in tree: TreeID, value: Bytes
  ) {
    if note != nil { note = nil }
    let replaced = changes.set(operation, key, in: tree.rawValue, value: value)
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
