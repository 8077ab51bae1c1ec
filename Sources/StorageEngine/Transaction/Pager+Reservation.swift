// SPDX-License-Identifier: Apache-2.0

/// Space for a transaction, before it is logged: once it is, nothing may ask for more.
extension Pager {
  /// Pages kept back for the checkpoint's own, and for how many trees, and extents, one more.
  private static let checkpointPages = 64
  private static let treesPerPage = 12
  private static let extentsPerPage = 64

  /// Makes sure that the pages which changes may take can be handed out without growing the file,
  /// and those of the next checkpoint after them.
  ///
  /// Looks at the trees only where what is free is not enough for whatever they may contain.
  func reserve(
    for transaction: WriteTransaction, _ changes: GroupChanges, in set: TreeSet
  ) throws(EngineError) {
    let kept = keptPages(trees: set.trees.count + transaction.treeChanges.count)
    let (inAnyLeaves, mayBeLess) = try mostPages(
      for: transaction.changes.spilled, changes, in: set)
    if canTake(pages: inAnyLeaves + kept) { return }
    if !mayBeLess { return try ensure(pages: inAnyLeaves + kept) }
    let inTheirLeaves = try surveyedPages(
      for: transaction.changes.merged(with: changes), in: set)
    try ensure(pages: inTheirLeaves + kept)
  }

  /// The same for changes of no transaction.
  func reserve(_ changes: GroupChanges, in set: TreeSet) throws(EngineError) {
    let kept = keptPages(trees: set.trees.count)
    let (inAnyLeaves, mayBeLess) = try mostPages(for: [], changes, in: set)
    if canTake(pages: inAnyLeaves + kept) { return }
    if !mayBeLess { return try ensure(pages: inAnyLeaves + kept) }
    try ensure(pages: try surveyedPages(for: changes, in: set) + kept)
  }

  /// Pages that the next checkpoint takes for itself at most.
  private func keptPages(trees: Int) -> Int {
    Self.checkpointPages + trees / Self.treesPerPage + map.extentCount / Self.extentsPerPage
  }

  /// A bound for whatever the trees contain, and whether a look at them may find a lower one.
  func mostPages(
    for spilled: [SpilledSet], _ changes: some ChangeSource, in set: TreeSet
  ) throws(EngineError) -> (pages: Int, mayBeLess: Bool) {
    if spilled.isEmpty { return try mostPages(for: changes, in: set) }
    var demands: [(tree: UInt32, demand: PageDemand)] = []
    var changes = changes
    while let change = changes.current {
      if demands.last?.tree != change.tree { demands.append((change.tree, PageDemand())) }
      demands[demands.count - 1].demand.add(change, geometry)
      try changes.advance()
    }
    for (tree, demand) in spilled.flatMap(\.demands) {
      if let position = demands.firstIndex(where: { $0.tree == tree }) {
        demands[position].demand.add(demand)
      } else {
        demands.append((tree, demand))
      }
    }
    var bound = DemandBound()
    for (tree, demand) in demands { bound.add(demand, of: tree, in: set, geometry) }
    return (bound.pages, bound.mayBeLess)
  }

  private func mostPages(
    for changes: some ChangeSource, in set: TreeSet
  ) throws(EngineError) -> (pages: Int, mayBeLess: Bool) {
    var changes = changes
    var bound = DemandBound()
    while let tree = changes.current?.tree {
      var demand = PageDemand()
      while let change = changes.current, change.tree == tree {
        demand.add(change, geometry)
        try changes.advance()
      }
      bound.add(demand, of: tree, in: set, geometry)
    }
    return (bound.pages, bound.mayBeLess)
  }

  /// A bound for what the trees contain; changes come in order of tree and key.
  func surveyedPages(
    for changes: some ChangeSource, in set: TreeSet
  ) throws(EngineError) -> Int {
    var changes = changes
    var pages = 0
    var tree: UInt32?
    var survey: LeafSurvey?
    while let change = changes.current {
      if change.tree != tree {
        pages += survey?.mostPages ?? 0
        tree = change.tree
        survey = try LeafSurvey(self, set[change.tree] ?? TreeDescriptor(id: change.tree))
      }
      try survey?.add(change)
      try changes.advance()
    }
    return pages + (survey?.mostPages ?? 0)
  }
}

/// What changes of several trees take at most.
private struct DemandBound {
  var pages = 0
  /// Whether a look at the trees may find a lower bound.
  var mayBeLess = false

  mutating func add(
    _ demand: PageDemand, of id: UInt32, in set: TreeSet, _ geometry: PageGeometry
  ) {
    let tree = set[id] ?? TreeDescriptor(id: id)
    pages += demand.mostPages(in: tree, geometry)
    if tree.height > 0 { mayBeLess = true }
  }
}
