// SPDX-License-Identifier: Apache-2.0

/// One state of a tree: where its root is and how large it is.
struct TreeDescriptor: Equatable, BitwiseCopyable {
  let id: UInt32
  /// Page 0 when the tree is empty.
  var root = PageReference(number: 0, checksum: 0)
  /// Levels from the root to the leaves; 0 when the tree is empty.
  var height = 0
  var entries: UInt64 = 0
  var leafPages: UInt64 = 0
  var branchPages: UInt64 = 0

  init(id: UInt32) {
    self.id = id
  }
}

/// All trees of one state.
struct TreeSet {
  /// In ascending order of identifiers.
  private(set) var trees: [TreeDescriptor] = []
  private(set) var names: [TreeName: UInt32] = [:]
  /// The trees that are segments.
  private(set) var segments: Set<UInt32> = []
  var nextTree: UInt32 = 1
  /// The last transaction that is part of this state.
  var lsn: UInt64 = 0

  private func position(_ id: UInt32) -> Int? {
    var low = 0
    var high = trees.count
    while low < high {
      let middle = (low + high) >> 1
      if trees[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low < trees.count && trees[low].id == id ? low : nil
  }

  subscript(id: UInt32) -> TreeDescriptor? {
    // Without a closure, which would count a reference to what it looks at.
    guard let position = position(id) else { return nil }
    return trees[position]
  }

  mutating func update(_ tree: TreeDescriptor) {
    if let position = position(tree.id) { trees[position] = tree }
  }

  /// Adds a tree of a new identifier.
  mutating func add(_ tree: TreeDescriptor, named name: String) {
    // Of transactions side by side, the first to create a tree may be the last to commit.
    let position = trees.lastIndex { $0.id < tree.id }.map { $0 + 1 } ?? 0
    trees.insert(tree, at: position)
    names[TreeName(name)] = tree.id
    if StoredName.name(ofTree: name, after: StoredName.segmentPrefix) != nil {
      segments.insert(tree.id)
    }
    nextTree = max(nextTree, tree.id + 1)
  }

  mutating func remove(_ id: UInt32) {
    trees.removeAll { $0.id == id }
    segments.remove(id)
    if let name = names.first(where: { $0.value == id })?.key { names[name] = nil }
  }

  func tree(named name: String) -> UInt32? {
    names[TreeName(name)]
  }
}
