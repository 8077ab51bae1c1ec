// SPDX-License-Identifier: Apache-2.0

/// A tree that was made in a copy.
struct SalvagedTree {
  let id: UInt32
  let name: String
  /// Whether it could not get the name that it had.
  let isNameLost: Bool
}

/// Making trees of the old file, which may say whatever somebody has forged.
extension WriteTransaction {
  /// Makes a change of trees that a log tells of, unless it does not fit to what is there.
  ///
  /// Returns the tree that was created, if any.
  func repeatIfPossible(_ change: TreeChange) throws(EngineError) -> SalvagedTree? {
    switch change {
    case .create(let id, let name):
      guard name != StoredName.snapshots, treeSet[id] == nil else { return nil }
      return create(id, asFarAsPossibleNamed: name)
    case .drop(let id):
      if treeSet[id] != nil { try dropTree(TreeID(rawValue: id)) }
      return nil
    }
  }

  /// Creates a tree: named by its number where it has no name that a tree can have, or another has
  /// that.
  func create(_ id: UInt32, asFarAsPossibleNamed wish: String?) -> SalvagedTree {
    let name = wish.flatMap { TreeChange.validName(Array($0.utf8), of: id) }
    if let name, treeSet.tree(named: name) == nil {
      create(id, named: name)
      return SalvagedTree(id: id, name: name, isNameLost: false)
    }
    let number = "tree \(id)"
    var free = number
    var count = 1
    while treeSet.tree(named: free) != nil {
      count += 1
      free = "\(number) (\(count))"
    }
    create(id, named: free)
    return SalvagedTree(id: id, name: free, isNameLost: true)
  }
}
