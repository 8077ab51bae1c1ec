// SPDX-License-Identifier: Apache-2.0

/// A transaction that may write.
///
/// Only valid inside the closure it is handed to.
///
/// It sees everything committed before it, also what is not flushed yet, and its own changes.
public final class WriteTransaction: TreeWriting, OpenableView {
  package let database: Database
  let isAlone: Bool
  @safe @exclusivity(unchecked) var treeSet: TreeSet
  let changes: TransactionChanges
  @safe @exclusivity(unchecked) var treeChanges: [TreeChange] = []
  /// The names of trees that it has made or dropped, as keys; not those of the engine's own.
  @safe @exclusivity(unchecked) private(set) var changedNames: WriteSet?
  /// For each segment the highest number given to a record.
  @safe @exclusivity(unchecked) var recordNumbers: [UInt32: UInt64] = [:]
  /// Keys for which an index allows one value: nobody else may have given one.
  @safe @exclusivity(unchecked) var exclusiveKeys: [ExclusiveKey.Place: ExclusiveKey] = [:]
  /// Large values written for this transaction and not replaced by it since.
  @safe @exclusivity(unchecked) var directValues: [[UInt8]: DirectValue] = [:]
  @safe @exclusivity(unchecked) var wroteDirectly = false
  /// What is known of the state as this transaction sees it now.
  @safe @exclusivity(unchecked) var note: (any StateNote)?
  /// Large values that were replaced, but that a cursor may still show.
  @safe @exclusivity(unchecked) var keptForCursors: [DirectValue] = []
  @safe @exclusivity(unchecked) var cursorsShowLargeValues = false
  @safe @exclusivity(unchecked) private var isEnded = false
  /// Whether it reads the working state, under the writer lock, to be committed.
  @safe @exclusivity(unchecked) private var isRebased = false

  /// `isAlone` says that it is the only writer: then nobody can come between its checks and its
  /// commit.
  init(
    database: Database, base: TreeSet, note: (any StateNote)? = nil, isAlone: Bool = true
  ) {
    self.database = database
    self.isAlone = isAlone
    self.note = note
    changes = TransactionChanges(database.pager)
    treeSet = base
  }

  /// The last transaction that is part of the state this one began with.
  public var lsn: UInt64 { treeSet.lsn }

  /// Runs `body` on the transaction itself.
  public func withWork<R>(
    _ body: (WriteTransaction) throws(EngineError) -> R
  ) throws(EngineError) -> R {
    try body(self)
  }

  var isEmpty: Bool { changes.isEmpty && treeChanges.isEmpty }

  /// The trees it has dropped.
  var droppedTrees: [UInt32] {
    treeChanges.compactMap(\.droppedTree)
  }

  /// Whether it has made a tree.
  func hasCreated(_ tree: TreeID) -> Bool {
    treeChanges.contains { change in
      if case .create(tree.rawValue, _) = change { true } else { false }
    }
  }

  /// Puts its changes on top of another state.
  func rebase(on state: TreeSet) {
    isRebased = true
    treeSet = state
    for change in treeChanges {
      switch change {
      case .create(let id, let name): treeSet.add(TreeDescriptor(id: id), named: name)
      case .drop(let id): treeSet.remove(id)
      }
    }
  }

  func end() {
    isEnded = true
    for value in keptForCursors { database.pager.abandon(value) }
    keptForCursors = []
  }

  func checkOpen() throws(EngineError) {
    // A transaction that is open beside others may outlive the database's closing.
    if isEnded || database.isClosed { throw .closed }
  }

  func descriptor(_ tree: TreeID) throws(EngineError) -> TreeDescriptor {
    try checkOpen()
    // Its pages lag behind, and change while this reads them.
    if isAlone || isRebased, database.residents.has(tree.rawValue) {
      throw .treeInUse("number \(tree.rawValue)")
    }
    guard let descriptor = treeSet[tree.rawValue] else {
      throw .treeNotFound("number \(tree.rawValue)")
    }
    return descriptor
  }

  // MARK: Note

  /// Takes out the note on the state as it is now, if there is one; without `leaveNote` there is
  /// none for the next.
  public func takeNote() -> (any StateNote)? {
    defer { note = nil }
    return note
  }

  /// Leaves a note on the state as it is now: whoever comes next, in this transaction or in the
  /// one after its commit, finds it.
  ///
  /// Every change forgets it, and so does a rollback.
  public func leaveNote(_ note: any StateNote) {
    self.note = note
  }

  // MARK: Trees

  /// Finds a tree by name.
  public func tree(named name: String) throws(EngineError) -> TreeID? {
    try checkOpen()
    return treeSet.visibleTree(named: name)
  }

  /// Lists all trees with their names, ordered by name.
  public func trees() throws(EngineError) -> [(name: String, tree: TreeID)] {
    try checkOpen()
    return treeSet.namedTrees()
  }

  /// Whether there is a segment of that number, and not a tree of another kind.
  public func hasSegment(_ segment: SegmentID) throws(EngineError) -> Bool {
    try checkOpen()
    return treeSet.segments.contains(segment.rawValue)
  }

  /// Creates a tree.
  ///
  /// Names have 1 to 255 bytes. Throws `.treeExists`.
  public func createTree(named name: String) throws(EngineError) -> TreeID {
    guard !StoredName.isReserved(name) else { throw .invalidTreeName(name) }
    return try createStoredTree(named: name)
  }

  /// Creates a tree of any kind.
  func createStoredTree(named name: String) throws(EngineError) -> TreeID {
    try checkOpen()
    guard !name.isEmpty, name.utf8.count <= Catalog.maximumNameBytes else {
      throw .invalidTreeName(name)
    }
    if treeSet.tree(named: name) != nil { throw .treeExists(name) }
    guard let id = database.treeNumbers.take() else { throw .invalidTreeName(name) }
    create(id, named: name)
    return TreeID(rawValue: id)
  }

  /// Creates a tree whose number was taken before.
  func create(_ id: UInt32, named name: String) {
    note = nil
    treeSet.add(TreeDescriptor(id: id), named: name)
    treeChanges.append(.create(id: id, name: name))
    noteChangedName(TreeName(name))
  }

  private func noteChangedName(_ name: TreeName) {
    guard !StoredName.isHidden(name) else { return }
    let names = changedNames ?? WriteSet()
    changedNames = names
    name.bytes.withBytes { bytes in
      _ = names.set(
        KeyChange(
          operation: .put, tree: ReadSet.namesTree, key: bytes, value: bytes.prefix(0)))
    }
  }

  /// Drops a tree with all its entries.
  ///
  /// Its identifier is never used again.
  public func dropTree(_ tree: TreeID) throws(EngineError) {
    _ = try descriptor(tree)
    note = nil
    for change in changes.recent.changes(in: tree.rawValue, range: .all)
    where change.operation == .putDirect { abandon(change.value.array) }
    if let name = treeSet.names.first(where: { $0.value == tree.rawValue })?.key {
      noteChangedName(name)
    }
    treeSet.remove(tree.rawValue)
    treeChanges.append(.drop(id: tree.rawValue))
    recordNumbers[tree.rawValue] = nil
    exclusiveKeys = exclusiveKeys.filter { $0.key.tree != tree.rawValue }
  }
}
