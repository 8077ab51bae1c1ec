// SPDX-License-Identifier: Apache-2.0

/// The names and roots of all trees as bytes, tabled in docs/FORMAT.md, section 1.4.
enum Catalog {
  /// UInt32 tree, UInt8 height, zero byte, UInt16 name length, UInt64 root page, UInt32 root
  /// checksum, UInt32 zero, UInt64 entries, UInt64 leaf pages, UInt64 branch pages, then the name.
  static let entryHeaderBytes = 48
  static let maximumNameBytes = 255

  /// Cuts the entries of all trees into payloads of at most `limit` bytes.
  static func encode(_ set: TreeSet, limit: Int) -> [[UInt8]] {
    let names = Dictionary(uniqueKeysWithValues: set.names.map { ($0.value, $0.key) })
    var payloads: [[UInt8]] = []
    var payload: [UInt8] = []
    for tree in set.trees {
      let entry = encode(tree, name: names[tree.id]?.bytes ?? [])
      if payload.count + entry.count > limit {
        payloads.append(payload)
        payload = []
      }
      payload += entry
    }
    if !payload.isEmpty { payloads.append(payload) }
    return payloads
  }

  private static func encode(_ tree: TreeDescriptor, name: [UInt8]) -> [UInt8] {
    var entry: [UInt8] = []
    entry.appendInteger(tree.id)
    entry.appendInteger(UInt8(tree.height))
    entry.appendInteger(UInt8(0))
    entry.appendInteger(UInt16(name.count))
    entry.appendInteger(tree.root.number)
    entry.appendInteger(tree.root.checksum)
    entry.appendInteger(UInt32(0))
    entry.appendInteger(tree.entries)
    entry.appendInteger(tree.leafPages)
    entry.appendInteger(tree.branchPages)
    return entry + name
  }

  /// Adds the entries of one payload to a set; returns what is wrong with it, or `nil`.
  static func decode(_ payload: Bytes, into set: inout TreeSet) -> String? {
    var offset = 0
    while offset < payload.count {
      guard payload.count - offset >= entryHeaderBytes else { return "ends inside an entry" }
      let nameLength = Int(payload.load(offset + 6, as: UInt16.self))
      guard nameLength <= payload.count - offset - entryHeaderBytes else {
        return "ends inside a name"
      }
      let id = payload.load(offset, as: UInt32.self)
      var tree = TreeDescriptor(id: id)
      tree.height = Int(payload[offset + 4])
      tree.root = PageReference(
        number: payload.load(offset + 8, as: UInt64.self),
        checksum: payload.load(offset + 16, as: UInt32.self))
      tree.entries = payload.load(offset + 24, as: UInt64.self)
      tree.leafPages = payload.load(offset + 32, as: UInt64.self)
      tree.branchPages = payload.load(offset + 40, as: UInt64.self)
      let name = payload.dropFirst(offset + entryHeaderBytes).prefix(nameLength).array
      guard let name = String(validating: name, as: UTF8.self), set.tree(named: name) == nil,
        set.trees.last.map({ $0.id < id }) ?? true, id < UInt32.max,
        tree.height <= PageGeometry.maximumHeight, (tree.height == 0) == (tree.root.number == 0)
      else { return "has a malformed entry for tree \(id)" }
      set.add(tree, named: name)
      offset += entryHeaderBytes + nameLength
    }
    return nil
  }
}
