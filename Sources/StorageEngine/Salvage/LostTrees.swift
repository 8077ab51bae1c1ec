// SPDX-License-Identifier: Apache-2.0

/// The trees of a file whose catalog cannot be read, as far as its pages and its log tell.
struct LostTrees {
  /// A larger number is forged: as many trees are made by no store.
  private static let largestTree: UInt32 = 1 << 31

  /// Their numbers, and the names of those that have one.
  private(set) var names: [UInt32: String] = [:]
  /// Those that hold something, or stand in the youngest catalog, in the order of their numbers.
  private(set) var trees: [UInt32] = []
  /// Those of them that belong to the engine itself, by name: transactions in doubt, and named
  /// snapshots, whose entries refer to the old file.
  private(set) var ownTrees: [UInt32: String] = [:]
  /// The last transaction that a page tells of.
  private(set) var lastLSN: UInt64 = 0

  private struct Mention {
    var name: String
    var age: UInt64
  }

  /// `logged` are the names that the log gives, with the trees that had them last.
  init(_ pages: IntactPages, logged: [TreeName: UInt32]) throws {
    var leaves: Set<UInt32> = []
    var mentions: [UInt32: Mention] = [:]
    try pages.forEach { _, page in
      lastLSN = max(lastLSN, page.birth)
      switch PageKind(rawValue: page.kind) {
      case .leaf: leaves.insert(page.tree)
      case .catalog:
        for (name, tree) in Self.catalogNames(page) where page.birth >= mentions[tree]?.age ?? 0 {
          mentions[tree] = Mention(name: name, age: page.birth)
        }
      default: break
      }
    }
    let youngest = mentions.values.map(\.age).max()
    let present = mentions.filter { $0.value.age == youngest }.keys
    trees = leaves.union(present).filter { $0 > 0 && $0 < Self.largestTree }.sorted()
    nameTrees(mentions, logged)
  }

  /// Of several trees that had one name the last counts.
  private mutating func nameTrees(_ mentions: [UInt32: Mention], _ logged: [TreeName: UInt32]) {
    var taken: Set<TreeName> = []
    for (name, tree) in logged {
      taken.insert(name)
      names[tree] = name.text
      if name == TreeName(StoredName.snapshots) { ownTrees[tree] = name.text }
      // The log has all of such a tree that it has created.
      if StoredName.isHidden(name) { trees.removeAll { $0 == tree } }
    }
    let byAge = mentions.sorted { ($0.value.age, $0.key) > ($1.value.age, $1.key) }
    for (tree, mention) in byAge where names[tree] == nil {
      guard TreeChange.validName(Array(mention.name.utf8), of: tree) != nil else { continue }
      if StoredName.isHidden(TreeName(mention.name)) {
        ownTrees[tree] = mention.name
      } else if taken.insert(TreeName(mention.name)).inserted {
        names[tree] = mention.name
      }
    }
    trees.removeAll { ownTrees[$0] != nil }
  }

  private static func catalogNames(_ page: PageView) -> [(name: String, tree: UInt32)] {
    var set = TreeSet()
    let payload = Int(page.load32(PageLayout.payloadBytes))
    guard Catalog.decode(page.bytes(PageLayout.headerBytes, payload), into: &set) == nil else {
      return []
    }
    return set.names.map { ($0.key.text, $0.value) }
  }
}
