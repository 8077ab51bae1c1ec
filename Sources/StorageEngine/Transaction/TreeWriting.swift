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

  /// The work of the transaction, for the layers built on trees.
  var work: WriteTransaction { get throws(EngineError) }
}
