// SPDX-License-Identifier: Apache-2.0

/// Reading without copying.
///
/// What is read is lent to a closure, which must not keep it, nor wait for long: meanwhile memory that
/// others gave up is not used again.
extension Snapshot {
  /// How many keys are looked for at once.
  private static let keysAtOnce = 32

  /// Lends the value of a key to `body`; false, without a call, when there is none.
  @discardableResult
  public func withValue(
    forKey key: Span<UInt8>, in tree: TreeID, _ body: (Span<UInt8>) -> Void
  ) throws(EngineError) -> Bool {
    let descriptor = try descriptor(tree)
    guard key.count > 0, key.count <= PageGeometry.maximumKeyBytes else { return false }
    return try key.withBytes { (bytes) throws(EngineError) in
      try pager.lendValue(forKey: bytes, in: descriptor) { $0.lend(to: body) }
    }
  }

  /// Lends the values of several keys to `body`, in their order: the position of the key, and its
  /// value or `nil`.
  ///
  /// Much faster than one by one, because the memory is asked for many of them at once.
  public func withValues(
    forKeys keys: KeyBatch, in tree: TreeID, _ body: (Int, Span<UInt8>?) -> Void
  ) throws(EngineError) {
    let descriptor = try descriptor(tree)
    for start in stride(from: 0, to: keys.count, by: Self.keysAtOnce) {
      let range = start..<min(start + Self.keysAtOnce, keys.count)
      try pager.lendValues(keys, range, in: descriptor) { position, value in
        guard let value else { return body(position, nil) }
        value.lend { body(position, $0) }
      }
    }
  }

  /// Lends the entries of a range to `body` in ascending order, keys and values, until it returns
  /// false.
  ///
  /// The fastest way through many entries; a `Cursor` can be kept, and also goes back.
  public func visit(
    _ tree: TreeID, range: KeyRange = .all, _ body: (Span<UInt8>, Span<UInt8>) -> Bool
  ) throws(EngineError) {
    var visit = TreeVisit(pager: pager, tree: try descriptor(tree), range: range)
    try visit.run { key, value in key.lend { key in value.lend { body(key, $0) } } }
  }
}
