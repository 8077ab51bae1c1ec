// SPDX-License-Identifier: Apache-2.0

/// A tree's name, told apart and ordered by its bytes.
///
/// Not a `String`, because two strings that Unicode calls equivalent are equal, and here they name
/// two trees.
struct TreeName: Hashable, Comparable {
  let bytes: [UInt8]

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  static func < (left: TreeName, right: TreeName) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

/// How the names of segments, indexes and the engine's own trees are kept apart in the catalog.
enum StoredName {
  static let segmentPrefix = "segment/"
  static let indexPrefix = "index/"
  static let preparedPrefix = "engine/prepared/"
  /// The tree of the named snapshots.
  static let snapshots = "engine/snapshots"
  private static let enginePrefix = "engine/"
  /// What a tree made by a caller may not be named.
  private static let reserved = [segmentPrefix, indexPrefix, enginePrefix]

  static func isReserved(_ name: String) -> Bool {
    reserved.contains { name.utf8.starts(with: $0.utf8) }
  }

  /// Whether a tree is none of the callers' business.
  static func isHidden(_ name: TreeName) -> Bool {
    name.bytes.starts(with: enginePrefix.utf8)
  }

  /// The name without the prefix; `nil` for a tree of another kind.
  static func name(ofTree tree: String, after prefix: String) -> String? {
    guard tree.utf8.starts(with: prefix.utf8) else { return nil }
    return String(Substring(tree.utf8.dropFirst(prefix.utf8.count)))
  }

  /// What the caller calls a tree, a segment or an index.
  static func userName(ofTree tree: String) -> String {
    name(ofTree: tree, after: segmentPrefix) ?? name(ofTree: tree, after: indexPrefix) ?? tree
  }
}
