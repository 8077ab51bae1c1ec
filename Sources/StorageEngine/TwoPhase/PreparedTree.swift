// SPDX-License-Identifier: Apache-2.0

/// How a prepared transaction lies in a tree of its own, as tabled in docs/FORMAT.md, section 1.11.
///
/// The entries are numbered from 0; the first describes the transaction.
enum PreparedTree {
  static let version: UInt8 = 1

  enum Kind: UInt8 {
    case header = 0
    case createTree = 1
    case dropTree = 2
    case put = 3
    /// A put whose value is the next entry.
    case putNext = 4
    case delete = 5
    case readKey = 6
    case readRange = 7
    /// What a key had before the commit.
    case undo = 8
    /// A key that had nothing before the commit.
    case undoAbsent = 9
  }

  /// The number of the first undo entry.
  static let firstUndo: UInt64 = 1 << 62

  /// Undo entries of longer values are left out; then the commit cannot be rolled back.
  static let longestUndo = 1 << 20

  static func name(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return StoredName.preparedPrefix + String(repeating: "0", count: 16 - digits.count) + digits
  }

  static func key(_ position: UInt64) -> [UInt8] {
    var key: [UInt8] = []
    key.appendBigEndian(position)
    return key
  }

  static func header(_ work: PreparedWork, flags: UInt8) -> [UInt8] {
    var bytes: [UInt8] = [Kind.header.rawValue, version, work.state.rawValue, flags]
    bytes.appendInteger(work.preparedAt)
    return bytes + work.identifier
  }

  static let joinedFlag: UInt8 = 1
  static let incompleteUndoFlag: UInt8 = 2

  static func entry(_ kind: Kind, _ tree: UInt32, _ key: [UInt8], _ rest: [UInt8] = []) -> [UInt8] {
    var bytes: [UInt8] = [kind.rawValue]
    bytes.appendInteger(tree)
    bytes.appendInteger(UInt16(key.count))
    return bytes + key + rest
  }

  /// A range: its bounds, the lower first, each with a byte that says whether it is there.
  static func entry(_ range: ReadSet.Range) -> [UInt8] {
    var rest: [UInt8] = [range.keys.lower == nil ? 0 : 1, range.keys.upper == nil ? 0 : 1]
    rest += range.keys.upper ?? []
    return entry(.readRange, range.tree, range.keys.lower ?? [], rest)
  }
}

/// Writes a prepared transaction into its tree.
struct PreparedTreeWriter {
  let transaction: WriteTransaction
  let tree: TreeID
  private(set) var position: UInt64 = 0

  init(_ transaction: WriteTransaction, _ tree: TreeID, from position: UInt64 = 0) {
    self.transaction = transaction
    self.tree = tree
    self.position = position
  }

  mutating func append(_ entry: [UInt8]) throws(EngineError) {
    try transaction.put(entry, forKey: PreparedTree.key(position), in: tree)
    position += 1
  }

  /// Writes all changes of a transaction, and what it needs to stay unchanged.
  mutating func append(_ work: WriteTransaction, _ reads: ReadSet?) throws(EngineError) {
    for change in work.treeChanges {
      switch change {
      case .create(let id, let name):
        try append(PreparedTree.entry(.createTree, id, Array(name.utf8)))
      case .drop(let id): try append(PreparedTree.entry(.dropTree, id, []))
      }
    }
    let merge = try work.changes.merged()
    while let change = merge.current {
      if work.treeSet[change.tree] != nil { try append(change, of: work) }
      try merge.advance()
    }
    guard let reads else { return }
    for entry in reads.keys.entries {
      try append(PreparedTree.entry(.readKey, entry.change.tree, entry.change.key.array))
    }
    for range in reads.ranges { try append(PreparedTree.entry(range)) }
  }

  private mutating func append(
    _ change: KeyChange, of work: WriteTransaction
  ) throws(EngineError) {
    let key = change.key.array
    switch change.operation {
    case .delete: try append(PreparedTree.entry(.delete, change.tree, key))
    case .put: try append(PreparedTree.entry(.put, change.tree, key, change.value.array))
    case .putDirect:
      try append(PreparedTree.entry(.putNext, change.tree, key))
      try append(try work.value(of: change) ?? [])
    }
  }
}

/// Reads prepared transactions out of their trees.
struct PreparedTreeReader {
  let pager: Pager
  let reader: WriteTransaction

  /// All of them, by number.
  func readAll() throws(EngineError) -> [PreparedWork] {
    try trees.map { (name, tree) throws(EngineError) in try read(tree, name) }
      .sorted { $0.number < $1.number }
  }

  /// Their trees.
  var trees: [(name: String, tree: TreeID)] {
    reader.treeSet.namedTrees(includingHidden: true).filter {
      StoredName.name(ofTree: $0.name, after: StoredName.preparedPrefix) != nil
    }
  }

  /// Reads the one in a tree.
  func read(_ tree: TreeID, _ name: String) throws(EngineError) -> PreparedWork {
    let digits = StoredName.name(ofTree: name, after: StoredName.preparedPrefix) ?? ""
    guard let number = UInt64(digits, radix: 16), number < .max, PreparedTree.name(number) == name
    else { throw damage(name, "is no number") }
    return try read(number, tree, name)
  }

  private func damage(_ name: String, _ problem: String) -> EngineError {
    .corrupt(
      Damage(file: pager.storage.name, offset: 0, structure: "tree \(name)", problem: problem))
  }

  private func read(
    _ number: UInt64, _ tree: TreeID, _ name: String
  ) throws(EngineError) -> PreparedWork {
    let cursor = try reader.cursor(in: tree)
    guard try cursor.next() else { throw damage(name, "is empty") }
    guard cursor.key == PreparedTree.key(0),
      var work = Self.header(try cursor.value(), number, tree)
    else { throw damage(name, "does not begin with a description") }
    var position: UInt64 = 0
    while try cursor.next() {
      position =
        work.state == .committed && cursor.key == PreparedTree.key(PreparedTree.firstUndo)
        ? PreparedTree.firstUndo : position + 1
      try check(cursor, position, name)
      let entry = try cursor.value()
      let needsValue = entry.first == PreparedTree.Kind.putNext.rawValue
      if needsValue {
        guard try cursor.next() else { throw damage(name, "ends before a value") }
        position += 1
        try check(cursor, position, name)
      }
      let value = try needsValue ? cursor.value() : nil
      guard Self.add(entry, value, to: &work) else {
        throw damage(name, "has a malformed entry \(cursor.key)")
      }
    }
    return work
  }

  /// The entries are numbered without gaps: where one is missing, a part of the transaction is.
  private func check(
    _ cursor: Cursor, _ position: UInt64, _ name: String
  ) throws(EngineError) {
    guard cursor.key == PreparedTree.key(position) else {
      throw damage(name, "has no entry \(position)")
    }
  }

  private static func header(
    _ bytes: [UInt8], _ number: UInt64, _ tree: TreeID
  ) -> PreparedWork? {
    bytes.withBytes { bytes in
      guard bytes.count >= 12, bytes[0] == PreparedTree.Kind.header.rawValue,
        bytes[1] == PreparedTree.version, let state = PreparedWork.State(rawValue: bytes[2])
      else { return nil }
      var work = PreparedWork(
        number: number, identifier: bytes.dropFirst(12).array,
        preparedAt: bytes.load(4, as: UInt64.self), state: state, tree: tree)
      work.isJoined = bytes[3] & PreparedTree.joinedFlag != 0
      work.hasWholeUndo = bytes[3] & PreparedTree.incompleteUndoFlag == 0
      return work
    }
  }

  /// Adds an entry to what it is part of; false when it is malformed.
  private static func add(_ entry: [UInt8], _ value: [UInt8]?, to work: inout PreparedWork) -> Bool
  {
    entry.withBytes { bytes in
      guard bytes.count >= 7, let kind = PreparedTree.Kind(rawValue: bytes[0]) else { return false }
      let tree = bytes.load(1, as: UInt32.self)
      let length = Int(bytes.load(5, as: UInt16.self))
      guard length <= bytes.count - 7 else { return false }
      let key = bytes.dropFirst(7).prefix(length)
      let rest = bytes.dropFirst(7 + length)
      switch kind {
      case .header: return false
      case .createTree:
        guard let name = TreeChange.validName(key.array, of: tree) else { return false }
        work.treeChanges.append(.create(id: tree, name: name))
      case .dropTree: work.treeChanges.append(.drop(id: tree))
      case .put: work.changes.set(KeyChange(operation: .put, tree: tree, key: key, value: rest))
      case .putNext:
        value?.withBytes {
          _ = work.changes.set(KeyChange(operation: .put, tree: tree, key: key, value: $0))
        }
      case .delete:
        work.changes.set(
          KeyChange(operation: .delete, tree: tree, key: key, value: rest.prefix(0)))
      case .readKey: work.reads.note(key, in: tree)
      case .readRange:
        guard rest.count >= 2 else { return false }
        let range = KeyRange(
          from: rest[0] == 0 ? nil : key.array, upTo: rest[1] == 0 ? nil : rest.dropFirst(2).array)
        work.reads.note(range, in: tree)
      case .undo:
        work.undo.append(PreparedWork.Undo(tree: tree, key: key.array, value: rest.array))
      case .undoAbsent:
        work.undo.append(PreparedWork.Undo(tree: tree, key: key.array, value: nil))
      }
      return true
    }
  }
}
