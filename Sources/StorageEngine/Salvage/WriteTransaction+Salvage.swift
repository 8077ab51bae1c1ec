// SPDX-License-Identifier: Apache-2.0

extension WriteTransaction {
  /// Makes a change of trees that a log tells of, unless it does not fit to what is there.
  ///
  /// Returns the tree that was created, if any.
  func repeatIfPossible(
    _ change: TreeChange
  ) throws(EngineError) -> (tree: UInt32, name: String)? {
    switch change {
    case .create(let id, let name):
      guard name != StoredName.snapshots, treeSet[id] == nil else { return nil }
      return (id, create(id, asFarAsPossibleNamed: name))
    case .drop(let id):
      if treeSet[id] != nil { try dropTree(TreeID(rawValue: id)) }
      return nil
    }
  }

  /// Creates a tree and returns its name: the number where there is none, or another has it.
  func create(_ id: UInt32, asFarAsPossibleNamed wish: String?) -> String {
    var name = wish ?? "tree \(id)"
    if treeSet.tree(named: name) != nil { name = "tree \(id)" }
    while treeSet.tree(named: name) != nil { name += " again" }
    create(id, named: name)
    return name
  }
}
