// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// The trees of one prevalent system.
struct PrevalentTrees: Sendable {
  /// What the store knows of the system, one entry.
  let information: TreeID
  /// One entry for each command, by its number.
  let journal: TreeID
  /// What is too long for an entry, by the same number.
  let payloads: TreeID
  /// The headers of images of the model, by their numbers; the chunks of each are in a tree of its
  /// own, so that a damaged one stands in the way of none.
  let images: TreeID

  private static let folder = "memory/system/"
  private static let informationName = "information"

  private static func name(_ system: String, _ tree: String) -> String {
    "\(folder)\(system)/\(tree)"
  }

  /// The system whose information a tree of that name has; `nil` for any other tree.
  static func system(ofTree tree: String) -> String? {
    let ending = "/\(informationName)".utf8
    // By their bytes, as all names of trees: a mark may join a slash to one character with it.
    guard tree.utf8.starts(with: folder.utf8), tree.utf8.suffix(ending.count).elementsEqual(ending)
    else { return nil }
    let name = String(
      decoding: tree.utf8.dropFirst(folder.utf8.count).dropLast(ending.count), as: UTF8.self)
    return isName(name) ? name : nil
  }

  /// What the names of the trees with the chunks of images begin with.
  static func imagePrefix(_ system: String) -> String { name(system, "image/") }

  /// Names of systems have no slash, lest their trees be taken for those of others, and leave room for
  /// what is around them.
  private static func isName(_ name: String) -> Bool {
    (1...200).contains(name.utf8.count) && !name.utf8.contains(UInt8(ascii: "/"))
  }

  static func check(_ name: String) throws(PrevalenceError) {
    guard isName(name) else {
      throw .invalidOptions("'\(name)' cannot name a prevalent system")
    }
  }

  /// Finds the trees of a system; `nil` when there is none.
  static func find(_ name: String, in view: some TreeReader) throws(EngineError) -> PrevalentTrees?
  {
    guard let information = try view.tree(named: Self.name(name, informationName)),
      let journal = try view.tree(named: Self.name(name, "journal")),
      let payloads = try view.tree(named: Self.name(name, "payloads")),
      let images = try view.tree(named: Self.name(name, "images"))
    else { return nil }
    return PrevalentTrees(
      information: information, journal: journal, payloads: payloads, images: images)
  }

  /// Makes the trees of a system.
  static func create(
    _ name: String, in transaction: some TreeWriting
  ) throws(EngineError) -> PrevalentTrees {
    PrevalentTrees(
      information: try transaction.createTree(named: Self.name(name, informationName)),
      journal: try transaction.createTree(named: Self.name(name, "journal")),
      payloads: try transaction.createTree(named: Self.name(name, "payloads")),
      images: try transaction.createTree(named: Self.name(name, "images")))
  }

  /// Drops all trees of a system.
  static func drop(_ name: String, in transaction: some TreeWriting) throws(EngineError) {
    let prefix = Self.name(name, "")
    for (name, tree) in try transaction.trees() where name.utf8.starts(with: prefix.utf8) {
      try transaction.dropTree(tree)
    }
  }
}

/// Keys of these trees.
enum PrevalentKey {
  /// The key of what is known of the system.
  static let information: [UInt8] = Array("system".utf8)

  /// A number in eight bytes, the highest first.
  static func of(_ number: UInt64) -> [UInt8] {
    let bytes = bytes(of: number)
    return bytes.indices.map { bytes[$0] }
  }

  /// The same without memory of its own.
  static func bytes(of number: UInt64) -> [8 of UInt8] {
    [8 of UInt8] { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
  }

  /// The number that a key is; `nil` when it is none.
  static func number(_ key: [UInt8]) -> UInt64? {
    guard key.count == 8 else { return nil }
    return key.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
