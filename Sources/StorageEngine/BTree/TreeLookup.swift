// SPDX-License-Identifier: Apache-2.0

/// Reading a tree in one state, for any number of threads at once.
extension Pager {
  /// Goes down from the root of a tree, which must have one, by the chosen child of each branch;
  /// returns the leaf that it leads to, which is not read.
  ///
  /// Call inside an epoch.
  @inline(__always)
  func descend(
    in tree: TreeDescriptor, fallback: inout AlignedBuffer?,
    choosing childSlot: (PageView) -> Int
  ) throws(EngineError) -> PageReference {
    var reference = tree.root
    var level = tree.height - 1
    while level > 0 {
      let branch = try page(reference, fallback: &fallback)
      // The root stays in the processor's cache anyway.
      if level < tree.height &- 1 { branch.prefetchSearch() }
      try checkLevel(branch, level)
      reference = branch.child(childSlot(branch))
      level -= 1
    }
    return reference
  }

  /// Runs `body` on the leaf below the chosen child of each branch; the tree must have one.
  @inline(__always)
  func withLeaf<R>(
    of tree: TreeDescriptor, choosing childSlot: (PageView) -> Int,
    _ body: (PageView) throws(EngineError) -> R
  ) throws(EngineError) -> R {
    let epoch = pool.epochs.enter()
    defer { pool.epochs.leave(epoch) }
    return try withLeafInside(of: tree, choosing: childSlot, body)
  }

  /// The same; call inside an epoch.
  ///
  /// Who is inside must not enter again: there is room for so many at once, and all of them could be
  /// waiting for each other.
  @inline(__always)
  func withLeafInside<R>(
    of tree: TreeDescriptor, choosing childSlot: (PageView) -> Int,
    _ body: (PageView) throws(EngineError) -> R
  ) throws(EngineError) -> R {
    var fallback: AlignedBuffer?
    let reference = try descend(in: tree, fallback: &fallback, choosing: childSlot)
    let leaf = try page(reference, fallback: &fallback)
    leaf.prefetchSearch()
    try checkLevel(leaf, 0)
    return try body(leaf)
  }

  /// Levels fall by one at each step, so a cycle or a wrong page cannot lead astray.
  @inline(__always)
  func checkLevel(_ page: PageView, _ level: Int) throws(EngineError) {
    let kind = level == 0 ? PageKind.leaf : PageKind.branch
    guard page.kind == kind.rawValue, page.level == level else {
      throw wrongLevel(page, level)
    }
  }

  @inline(never)
  private func wrongLevel(_ page: PageView, _ level: Int) -> EngineError {
    damage(page.number, "is of level \(page.level), kind \(page.kind), not level \(level)")
  }

  /// Copies the value of a key, or returns `nil`.
  func value(forKey key: Bytes, in tree: TreeDescriptor) throws(EngineError) -> [UInt8]? {
    guard let stored = try storedValue(forKey: key, in: tree) else { return nil }
    if stored.form == .inline { return stored.bytes }
    return try wholeValue(stored.form, stored.bytes)
  }

  /// Copies what the leaf holds of the value of a key, or returns `nil`.
  func storedValue(
    forKey key: Bytes, in tree: TreeDescriptor
  ) throws(EngineError) -> (form: ValueForm, bytes: [UInt8])? {
    guard tree.height > 0 else { return nil }
    return try withLeaf(of: tree, choosing: { $0.childSlot(for: key) }) { leaf in
      let (index, found) = leaf.lowerBound(key)
      return found ? (leaf.form(index), leaf.value(index).array) : nil
    }
  }

  /// Whether a key has a value.
  func contains(_ key: Bytes, in tree: TreeDescriptor) throws(EngineError) -> Bool {
    guard tree.height > 0 else { return false }
    return try withLeaf(of: tree, choosing: { $0.childSlot(for: key) }) {
      $0.lowerBound(key).found
    }
  }

  /// Puts a value together from what its leaf holds; says whether the caller is inside an epoch.
  func wholeValue(
    _ form: ValueForm, _ stored: [UInt8], isInside: Bool = false
  ) throws(EngineError) -> [UInt8] {
    switch form {
    case .inline: return stored
    case .paged:
      return try stored.withBytes { (bytes) throws(EngineError) in
        try pagedValue(bytes, isInside: isInside)
      }
    case .runs:
      return try stored.withBytes { (bytes) throws(EngineError) in try directValue(bytes) }
    }
  }

  private func pagedValue(_ stored: Bytes, isInside: Bool) throws(EngineError) -> [UInt8] {
    var fallback: AlignedBuffer?
    let length = PagedValue.length(stored)
    var value = [UInt8]()
    value.reserveCapacity(min(length, PageGeometry.directValueBytes))
    var last: UInt64 = 0
    for position in 0..<PagedValue.pageCount(stored) {
      let reference = PagedValue.reference(stored, position)
      last = reference.number
      let epoch = isInside ? nil : pool.epochs.enter()
      defer { if let epoch { pool.epochs.leave(epoch) } }
      let page = try page(reference, fallback: &fallback)
      guard page.kind == PageKind.value.rawValue else {
        throw damage(reference.number, "is of kind \(page.kind), not a piece of a value")
      }
      let payload = page.bytes(PageLayout.headerBytes, Int(page.load32(PageLayout.payloadBytes)))
      unsafe value.append(
        contentsOf: UnsafeRawBufferPointer(start: payload.base, count: payload.count))
    }
    guard value.count == length else {
      throw damage(last, "its value has the wrong length")
    }
    return value
  }
}
