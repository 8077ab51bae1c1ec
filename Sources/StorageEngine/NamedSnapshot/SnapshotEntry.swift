// SPDX-License-Identifier: Apache-2.0

/// How named snapshots lie in a tree of their own, as tabled in docs/FORMAT.md, section 1.12.
///
/// The key is the name.
enum SnapshotEntry {
  static let version: UInt8 = 1
  static let headerBytes = 24
  static let maximumNameBytes = 255

  static func encode(_ state: NamedState) -> [UInt8] {
    var bytes: [UInt8] = [version, 0, 0, 0, 0, 0, 0, 0]
    bytes.appendInteger(state.lsn)
    bytes.appendInteger(state.createdAt)
    return Catalog.encode(state.trees, limit: .max).reduce(into: bytes) { $0 += $1 }
  }

  /// Reads an entry; `nil` when it is malformed.
  static func decode(_ value: [UInt8], name: [UInt8]) -> NamedState? {
    value.withBytes { bytes in
      guard bytes.count >= headerBytes, bytes[0] == version,
        let name = String(validating: name, as: UTF8.self)
      else { return nil }
      var trees = TreeSet()
      guard Catalog.decode(bytes.dropFirst(headerBytes), into: &trees) == nil else { return nil }
      trees.lsn = bytes.load(8, as: UInt64.self)
      return NamedState(
        name: TreeName(name), lsn: trees.lsn, createdAt: bytes.load(16, as: UInt64.self),
        trees: trees, isEarlier: true)
    }
  }
}

/// Reads the entries of a state.
struct SnapshotEntries {
  private final class AlwaysOpen: OpenableView {
    func checkOpen() {}
  }

  let pager: Pager

  /// The snapshots that a state names.
  func read(_ state: TreeSet) throws(EngineError) -> [NamedState] {
    guard let number = state.tree(named: StoredName.snapshots), let tree = state[number] else {
      return []
    }
    var found: [NamedState] = []
    let cursor = Cursor(
      pager: pager, tree: tree, view: AlwaysOpen(), range: .all, reversed: false)
    while try cursor.next() {
      guard let entry = SnapshotEntry.decode(try cursor.value(), name: cursor.key) else {
        throw damage(cursor.key)
      }
      found.append(entry)
    }
    return found
  }

  func damage(_ name: [UInt8]) -> EngineError {
    .corrupt(
      Damage(
        file: pager.storage.name, offset: 0,
        structure: "the named snapshot '\(String(decoding: name, as: UTF8.self))'",
        problem: "has a malformed entry"))
  }
}
