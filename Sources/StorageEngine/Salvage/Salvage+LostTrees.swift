// SPDX-License-Identifier: Apache-2.0

/// Trees that the damaged catalog does not tell of.
extension Salvage {
  /// Makes the trees that the catalog does not tell of, of which all entries are missing then.
  mutating func createLostTrees(_ problem: EngineError) throws {
    let lost = try LostTrees(intactPages, logged: try loggedNames())
    lostTrees = lost
    lastLSN = max(lastLSN, lost.lastLSN)
    // What the catalog might have told of besides.
    try lose(nil, .all, problem)
    let missing = lost.trees.filter { places[$0] == nil }
    try target.write(durability: .manual) { transaction in
      for tree in missing { note(create(tree, in: transaction)) }
    }
    for tree in missing { try lose(tree, .all, problem) }
    for (_, name) in lost.ownTrees.sorted(by: { $0.key < $1.key })
    where name != StoredName.snapshots {
      try loseInDoubt(name, nil, "may not have been decided, which only the catalog tells")
    }
  }

  /// Creates a tree that the catalog does not tell of.
  func create(_ tree: UInt32, in transaction: WriteTransaction) -> SalvagedTree {
    transaction.create(tree, asFarAsPossibleNamed: lostTrees?.names[tree] ?? givenNames[tree])
  }
}
