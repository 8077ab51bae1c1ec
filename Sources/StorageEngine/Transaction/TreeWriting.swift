// SPDX-License-Identifier: Apache-2.0

/// A view of all trees that may change them: the one of `Database.write`, or a `Transaction`.
public protocol TreeWriting: TreeReader {
  /// Creates a tree.
  ///
  /// Names have 1 to 255 bytes. Throws `.treeExists`.
  func createTree(named name: String) throws(EngineError) -> TreeID

  /// Drops a tree with all its entries.
  ///
  /// Its identifier is never used again.
  func dropTree(_ tree: TreeID) throws(EngineError)

  /// Inserts or replaces.
  ///
  /// Keys have 1 to 1024 bytes, values at most 1 GiB.
  func put(_ value: [UInt8], forKey key: [UInt8], in tree: TreeID) throws(EngineError)

  /// Deletes a key; absent keys are ignored.
  func delete(_ key: [UInt8], in tree: TreeID) throws(EngineError)

  /// Runs `body` on the changes of the transaction while no other thread does; for the layers built
  /// on trees, which note more than keys and values.
  ///
  /// What `body` reads does not count as read by the transaction. It must not call the transaction.
  func withWork<R>(
    _ body: (WriteTransaction) throws(EngineError) -> R
  ) throws(EngineError) -> R
}
