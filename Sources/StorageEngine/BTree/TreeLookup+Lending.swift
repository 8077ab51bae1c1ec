// SPDX-License-Identifier: Apache-2.0

/// Reading without copying: what is read is lent to a closure, which runs inside the epoch.
extension Pager {
  /// Lends the value of a key; false when there is none.
  func lendValue(
    forKey key: Bytes, in tree: TreeDescriptor, to body: (Bytes) -> Void
  ) throws(EngineError) -> Bool {
    guard tree.height > 0 else { return false }
    var elsewhere: (form: ValueForm, bytes: [UInt8])?
    let found = try withLeaf(of: tree, choosing: { $0.childSlot(for: key) }) { leaf in
      let (index, found) = leaf.lowerBound(key)
      guard found else { return false }
      let form = leaf.form(index)
      if form == .inline {
        body(leaf.value(index))
      } else {
        elsewhere = (form, leaf.value(index).array)
      }
      return true
    }
    if let elsewhere { try wholeValue(elsewhere.form, elsewhere.bytes).withBytes(body) }
    return found
  }

  /// Lends the values of some of the keys of a batch, in their order.
  ///
  /// All leaves are asked for before the first is looked at, and all entries before the first is
  /// compared, so that the processor waits for the memory once for all of them.
  func lendValues(
    _ keys: KeyBatch, _ range: Range<Int>, in tree: TreeDescriptor,
    to body: (Int, Bytes?) -> Void
  ) throws(EngineError) {
    var found = [Found](repeating: Found(), count: range.count)
    try keys.bytes.withBytes { (bytes) throws(EngineError) in
      let epoch = pool.epochs.enter()
      defer { pool.epochs.leave(epoch) }
      try findLeaves(keys, bytes, range, in: tree, &found)
      for position in range where found[position - range.lowerBound].leaf != nil {
        found[position - range.lowerBound].search(for: keys.key(position, of: bytes))
      }
      for position in range {
        let found = found[position - range.lowerBound]
        let key = keys.key(position, of: bytes)
        guard let leaf = found.leaf else {
          // It has to be read, into memory that holds one leaf at a time.
          guard let stored = try storedValueInside(forKey: key, in: tree) else {
            body(position, nil)
            continue
          }
          let value = try wholeValue(stored.form, stored.bytes, isInside: true)
          value.withBytes { body(position, $0) }
          continue
        }
        guard let slot = found.slot(of: key) else {
          body(position, nil)
          continue
        }
        let form = leaf.form(slot)
        if form == .inline {
          body(position, leaf.value(slot))
        } else {
          let value = try wholeValue(form, leaf.value(slot).array, isInside: true)
          value.withBytes { body(position, $0) }
        }
      }
    }
  }

  /// Copies what the leaf holds of the value of a key, inside an epoch.
  private func storedValueInside(
    forKey key: Bytes, in tree: TreeDescriptor
  ) throws(EngineError) -> (form: ValueForm, bytes: [UInt8])? {
    guard tree.height > 0 else { return nil }
    return try withLeafInside(of: tree, choosing: { $0.childSlot(for: key) }) { leaf in
      let (index, found) = leaf.lowerBound(key)
      return found ? (leaf.form(index), leaf.value(index).array) : nil
    }
  }

  /// Finds the leaves that are in memory and has them fetched.
  private func findLeaves(
    _ keys: KeyBatch, _ bytes: Bytes, _ range: Range<Int>, in tree: TreeDescriptor,
    _ found: inout [Found]
  ) throws(EngineError) {
    guard tree.height > 0 else { return }
    var fallback: AlignedBuffer?
    for position in range {
      let key = keys.key(position, of: bytes)
      let reference = try descend(in: tree, fallback: &fallback) { $0.childSlot(for: key) }
      guard let frame = pool.table[reference.number].frame else { continue }
      pool.touch(frame)
      let leaf = pool.page(inFrame: frame)
      leaf.prefetchSearch()
      found[position - range.lowerBound].leaf = leaf
    }
  }

  /// How far the search for one of several keys has come.
  private struct Found {
    /// The leaf, once it is known to be in memory.
    var leaf: PageView?
    /// The first slot whose head is not below that of the key.
    var low = 0

    /// Searches by heads, and has the entry fetched.
    mutating func search(for key: Bytes) {
      guard let leaf else { return }
      low = leaf.lowerBound(ofHead: leaf.suffix(of: key).head, from: 0)
      if low < leaf.count { leaf.prefetchEntry(low) }
    }

    /// The slot of the key.
    func slot(of key: Bytes) -> Int? {
      guard let leaf, low < leaf.count else { return nil }
      let suffix = leaf.suffix(of: key)
      guard leaf.head(low) == suffix.head else { return nil }
      let (index, found) = leaf.lowerBound(suffix, amongHeadsFrom: low)
      return found ? index : nil
    }
  }
}
