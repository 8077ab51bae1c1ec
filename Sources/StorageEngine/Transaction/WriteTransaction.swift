// SPDX-License-Identifier: Apache-2.0

/// A transaction that may write.
///
/// Only valid inside the closure it is handed to.
///
/// It sees everything committed before it, also what is not flushed yet, and its own changes.
public final class WriteTransaction: TreeWriting, OpenableView {
  let database: Database
  let isAlone: Bool
  var treeSet: TreeSet
  /// The changes that are in memory.
  fileprivate(set) var changes = WriteSet()
  /// Changes that outgrew the memory, oldest first.
  fileprivate(set) var spilled: [SpilledSet] = []
  /// The block of a spilled set that was read last, for each.
  fileprivate var readBlocks: [(position: Int, block: ChangeBlock)?] = []
  var treeChanges: [TreeChange] = []
  /// The names of trees that it has made or dropped, as keys; not those of the engine's own.
  private(set) var changedNames: WriteSet?
  /// For each segment the highest number given to a record.
  var recordNumbers: [UInt32: UInt64] = [:]
  /// Keys for which an index allows one value: nobody else may have given one.
  var exclusiveKeys: [ExclusiveKey.Place: ExclusiveKey] = [:]
  /// Large values written for this transaction and not replaced by it since.
  var directValues: [[UInt8]: DirectValue] = [:]
  var wroteDirectly = false
  /// What is known of the state as this transaction sees it now.
  private(set) var note: (any StateNote)?
  /// Large values that were replaced, but that a cursor may still show.
  private var keptForCursors: [DirectValue] = []
  private var cursorsShowLargeValues = false
  private var isEnded = false

  /// `isAlone` says that it is the only writer: then nobody can come between its checks and its
  /// commit.
  init(
    database: Database, base: TreeSet, note: (any StateNote)? = nil, isAlone: Bool = true
  ) {
    self.database = database
    self.isAlone = isAlone
    self.note = note
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

  var isEmpty: Bool { changes.isEmpty && treeChanges.isEmpty && spilled.isEmpty }

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
    for value in keptForCursors { giveBack(value) }
    keptForCursors = []
  }

  func checkOpen() throws(EngineError) {
    // A transaction that is open beside others may outlive the database's closing.
    if isEnded || database.isClosed { throw .closed }
  }

  private func descriptor(_ tree: TreeID) throws(EngineError) -> TreeDescriptor {
    try checkOpen()
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
    note(TreeName(name))
  }

  private func note(_ name: TreeName) {
    guard !StoredName.isHidden(name) else { return }
    let names = changedNames ?? WriteSet()
    changedNames = names
    name.bytes.withBytes { bytes in
      _ = names.set(.put, bytes, in: ReadSet.namesTree, value: bytes.prefix(0))
    }
  }

  /// Drops a tree with all its entries.
  ///
  /// Its identifier is never used again.
  public func dropTree(_ tree: TreeID) throws(EngineError) {
    _ = try descriptor(tree)
    note = nil
    for change in changes.changes(in: tree.rawValue, range: .all)
    where change.operation == .putDirect { abandon(change.value.array) }
    if let name = treeSet.names.first(where: { $0.value == tree.rawValue })?.key { note(name) }
    treeSet.remove(tree.rawValue)
    treeChanges.append(.drop(id: tree.rawValue))
    recordNumbers[tree.rawValue] = nil
    exclusiveKeys = exclusiveKeys.filter { $0.key.tree != tree.rawValue }
  }

  // MARK: Entries

  /// Counts the entries of a tree, own changes included.
  ///
  /// Looks at every changed key.
  public func count(of tree: TreeID) throws(EngineError) -> UInt64 {
    let descriptor = try descriptor(tree)
    var count = descriptor.entries
    let merge = try changes(in: tree.rawValue, range: .all)
    while let change = merge.current {
      let exists = try database.pager.contains(change.key, in: descriptor)
      if change.operation == .delete {
        if exists { count -= 1 }
      } else if !exists {
        count += 1
      }
      try merge.advance()
    }
    return count
  }

  /// Copies the value of a key, or returns `nil`.
  public func value(forKey key: [UInt8], in tree: TreeID) throws(EngineError) -> [UInt8]? {
    let descriptor = try descriptor(tree)
    guard !key.isEmpty, key.count <= PageGeometry.maximumKeyBytes else { return nil }
    return try key.withBytes { (bytes) throws(EngineError) in
      if let change = try change(of: bytes, in: tree.rawValue) { return try value(of: change) }
      return try database.pager.value(forKey: bytes, in: descriptor)
    }
  }

  /// The value of a key without the changes of this transaction.
  func committedValue(forKey key: [UInt8], in tree: TreeID) throws(EngineError) -> [UInt8]? {
    let descriptor = try descriptor(tree)
    return try key.withBytes { (bytes) throws(EngineError) in
      try database.pager.value(forKey: bytes, in: descriptor)
    }
  }

  /// Whether a key has a value.
  func contains(_ key: [UInt8], in tree: TreeID) throws(EngineError) -> Bool {
    let descriptor = try descriptor(tree)
    return try key.withBytes { (bytes) throws(EngineError) in
      if let change = try change(of: bytes, in: tree.rawValue) {
        return change.operation != .delete
      }
      return try database.pager.contains(bytes, in: descriptor)
    }
  }

  /// The value that a change of this transaction leaves behind.
  func value(of change: KeyChange) throws(EngineError) -> [UInt8]? {
    switch change.operation {
    case .put: return change.value.array
    case .putDirect: return try database.pager.directValue(change.value)
    case .delete: return nil
    }
  }

  /// Inserts or replaces.
  ///
  /// Keys have 1 to 1024 bytes, values at most 1 GiB.
  public func put(_ value: [UInt8], forKey key: [UInt8], in tree: TreeID) throws(EngineError) {
    _ = try descriptor(tree)
    try checkKey(key)
    guard value.count <= PageGeometry.maximumValueBytes else {
      throw .valueTooLong(length: value.count, limit: PageGeometry.maximumValueBytes)
    }
    if value.count > PageGeometry.directValueBytes {
      try putDirect(value, forKey: key, in: tree)
    } else {
      set(.put, key, in: tree, value: value)
    }
    try spillIfLarge()
  }

  /// Deletes a key; absent keys are ignored.
  public func delete(_ key: [UInt8], in tree: TreeID) throws(EngineError) {
    _ = try descriptor(tree)
    try checkKey(key)
    set(.delete, key, in: tree, value: [])
    try spillIfLarge()
  }

  private func checkKey(_ key: [UInt8]) throws(EngineError) {
    guard !key.isEmpty, key.count <= PageGeometry.maximumKeyBytes else {
      throw .invalidKeyLength(length: key.count, limit: PageGeometry.maximumKeyBytes)
    }
  }

  private func set(
    _ operation: LogRecord.KeyOperation, _ key: [UInt8], in tree: TreeID, value: [UInt8]
  ) {
    note = nil
    let replaced = key.withBytes { keyBytes in
      value.withBytes { changes.set(operation, keyBytes, in: tree.rawValue, value: $0) }
    }
    if let replaced, replaced.operation == .putDirect { abandon(replaced.value.array) }
  }

  /// Writes a large value to pages of its own now, so that memory need not hold it.
  private func putDirect(
    _ value: [UInt8], forKey key: [UInt8], in tree: TreeID
  ) throws(EngineError) {
    try database.checkChangeable()
    let direct: DirectValue
    do throws(EngineError) {
      direct = try value.withBytes { (bytes) throws(EngineError) in
        try database.pager.writeDirectValue(bytes)
      }
    } catch {
      throw database.poisonIfBroken(error)
    }
    let encoded = direct.encoded
    directValues[encoded] = direct
    wroteDirectly = true
    set(.putDirect, key, in: tree, value: encoded)
  }

  private func abandon(_ encoded: [UInt8]) {
    guard let direct = directValues.removeValue(forKey: encoded) else { return }
    // A cursor goes on showing what it showed when it was made.
    if cursorsShowLargeValues { keptForCursors.append(direct) } else { giveBack(direct) }
  }

  private func giveBack(_ value: DirectValue) {
    guard let (runs, lists) = try? database.pager.runs(of: value) else { return }
    database.pager.abandonRuns(runs, lists: lists)
  }

  /// Gives back what was written ahead of a commit that will not come.
  func rollback() {
    for encoded in Array(directValues.keys) { abandon(encoded) }
    for part in spilled {
      for block in part.blocks { database.pager.abandon(block.value) }
    }
    spilled = []
    end()
  }

  /// Starts a cursor that shows the tree as it is now, own changes included.
  public func cursor(
    in tree: TreeID, range: KeyRange, reversed: Bool
  ) throws(EngineError) -> Cursor {
    let descriptor = try descriptor(tree)
    if !directValues.isEmpty { cursorsShowLargeValues = true }
    return Cursor(
      pager: database.pager, tree: descriptor, view: self, range: range, reversed: reversed,
      changes: try changes(in: tree.rawValue, range: range, reversed: reversed))
  }
}

// MARK: - Spilling

extension WriteTransaction {
  /// The change of a key, wherever it is.
  ///
  /// Valid until the next call.
  func change(of key: Bytes, in tree: UInt32) throws(EngineError) -> KeyChange? {
    if let change = changes.find(key, in: tree) { return change }
    for part in spilled.indices.reversed() {
      guard let position = spilled[part].block(for: key, in: tree) else { continue }
      let block = try readBlock(position, of: part)
      let index = block.lowerBound(key, in: tree)
      guard index < block.changes.count else { continue }
      let change = block.changes[index]
      if change.tree == tree, change.key.compare(key) == 0 { return change }
    }
    return nil
  }

  private func readBlock(_ position: Int, of part: Int) throws(EngineError) -> ChangeBlock {
    if let known = readBlocks[part], known.position == position { return known.block }
    let block = try ChangeBlock(spilled[part].blocks[position], database.pager)
    readBlocks[part] = (position, block)
    return block
  }

  /// The changes of a tree in a range, wherever they are.
  func changes(
    in tree: UInt32, range: KeyRange, reversed: Bool = false
  ) throws(EngineError) -> ChangeMerge {
    var sources: [any ChangeSource] = []
    for part in spilled {
      sources.append(
        try SpilledChanges(part, database.pager, in: tree, range: range, reversed: reversed))
    }
    sources.append(MemoryChanges(changes, in: tree, range: range, reversed: reversed))
    return ChangeMerge(sources, reversed: reversed)
  }

  /// All changes, in order.
  func allChanges() throws(EngineError) -> ChangeMerge {
    var sources: [any ChangeSource] = []
    for part in spilled { sources.append(try SpilledChanges(part, database.pager)) }
    sources.append(SortedChanges(changes))
    return ChangeMerge(sources)
  }

  /// Writes the changes to the disk when they take more memory than is allowed.
  fileprivate func spillIfLarge() throws(EngineError) {
    guard changes.memoryBytes > database.configuration.transactionMemoryBytes else { return }
    try database.checkChangeable()
    do throws(EngineError) {
      spilled.append(try changes.spill(to: database.pager))
    } catch {
      throw database.poisonIfBroken(error)
    }
    readBlocks.append(nil)
    changes = WriteSet()
    wroteDirectly = true
  }

  /// The trees in which it has changes.
  var changedTrees: Set<UInt32> {
    spilled.reduce(into: changes.trees) { $0.formUnion($1.demands.keys) }
  }
}
