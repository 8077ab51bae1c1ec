// SPDX-License-Identifier: Apache-2.0

/// A transaction that is open beside others.
///
/// It reads one consistent state, that of the moment it began, with its own changes on top, and
/// blocks nobody. Whether what others committed meanwhile keeps it from committing is decided by
/// its `ConflictStrategy`. Made by `Database.begin`; one that is dropped without a commit is rolled
/// back.
///
/// Its calls may come from any thread; those of several threads run one after the other.
public final class Transaction: TreeWriting, @unchecked Sendable {
  let database: Database
  let ticket: UInt64
  let base: TreeSet
  let options: TransactionOptions
  let reads: ReadSet?
  /// Guards what follows.
  let lock = Lock()
  private let writes: WriteTransaction
  private var isEnded = false

  init(_ database: Database, ticket: UInt64, base: TreeSet, _ options: TransactionOptions) {
    self.database = database
    self.ticket = ticket
    self.base = base
    self.options = options
    writes = WriteTransaction(database: database, base: base, isAlone: false)
    let checksReads = options.strategy == .versionOnRead || options.strategy == .serializable
    reads = checksReads ? ReadSet() : nil
  }

  deinit {
    rollback()
  }

  /// The LSN of the last transaction it sees.
  public var lsn: UInt64 { base.lsn }

  /// The name given to it.
  public var identifier: [UInt8] { options.identifier }

  /// Gives up all changes.
  ///
  /// Does nothing after a commit.
  public func rollback() {
    lock.withLock {
      guard !isEnded else { return }
      writes.rollback()
      end()
    }
  }

  /// Ends the transaction, however it came out.
  ///
  /// Call under `lock`.
  func end() {
    isEnded = true
    // Its cursors end with it: the pages they read may be given back from now on.
    writes.end()
    database.window.end(ticket)
    database.pager.snapshots.close(base.lsn)
  }

  /// Runs `body` on the changes of a transaction that has not ended.
  func withWrites<R, E: Error>(
    orThrow ended: E, _ body: (WriteTransaction) throws(E) -> R
  ) throws(E) -> R {
    try lock.withLock { () throws(E) in
      guard !isEnded else { throw ended }
      return try body(writes)
    }
  }

  /// Runs `body` on the changes, while no other thread does.
  public func withWork<R>(
    _ body: (WriteTransaction) throws(EngineError) -> R
  ) throws(EngineError) -> R {
    try withWrites(orThrow: .closed, body)
  }
}

// MARK: - Reading

extension Transaction {
  /// Finds a tree by name.
  public func tree(named name: String) throws(EngineError) -> TreeID? {
    try withWork { writes throws(EngineError) in
      noteName(name)
      return try writes.tree(named: name)
    }
  }

  private func noteName(_ name: String) {
    guard let reads, name.utf8.count <= Catalog.maximumNameBytes else { return }
    Array(name.utf8).withBytes { reads.note($0, in: ReadSet.namesTree) }
  }

  /// Lists all trees with their names, ordered by name.
  public func trees() throws(EngineError) -> [(name: String, tree: TreeID)] {
    try withWork { writes throws(EngineError) in
      noteRange(.all, TreeID(rawValue: ReadSet.namesTree))
      return try writes.trees()
    }
  }

  /// Whether there is a segment of that number, and not a tree of another kind.
  public func hasSegment(_ segment: SegmentID) throws(EngineError) -> Bool {
    try withWork { writes throws(EngineError) in
      let isThere = try writes.hasSegment(segment)
      if isThere {
        // At odds with whoever drops the segment, and with nobody else.
        noteKey(SegmentTree.absentKey, segment.tree)
      } else {
        // It may be created under any name.
        reads?.noteAll(of: ReadSet.namesTree)
      }
      return isThere
    }
  }

  /// Counts the entries of a tree, own changes included.
  ///
  /// Looks at every changed key.
  public func count(of tree: TreeID) throws(EngineError) -> UInt64 {
    try withWork { writes throws(EngineError) in
      noteRange(.all, tree)
      return try writes.count(of: tree)
    }
  }

  /// Copies the value of a key, or returns `nil`.
  public func value(forKey key: [UInt8], in tree: TreeID) throws(EngineError) -> [UInt8]? {
    try withWork { writes throws(EngineError) in
      noteKey(key, tree)
      return try writes.value(forKey: key, in: tree)
    }
  }

  private func noteKey(_ key: [UInt8], _ tree: TreeID) {
    // A longer key is never there.
    guard let reads, key.count <= PageGeometry.maximumKeyBytes else { return }
    key.withBytes { reads.note($0, in: tree.rawValue) }
  }

  /// Starts a cursor that shows the tree as it is now, own changes included.
  public func cursor(
    in tree: TreeID, range: KeyRange, reversed: Bool
  ) throws(EngineError) -> Cursor {
    try withWork { writes throws(EngineError) in
      noteRange(range, tree)
      return try writes.cursor(in: tree, range: range, reversed: reversed)
    }
  }

  private func noteRange(_ range: KeyRange, _ tree: TreeID) {
    if options.strategy == .serializable { reads?.note(range.clipped, in: tree.rawValue) }
  }

  /// Notes that what lies within `range`, and what does not, was read as one key of a layer above.
  ///
  /// For strategies that do not look at the cursors with which it is read.
  func noteKey(spanning range: KeyRange, in tree: TreeID) throws(EngineError) {
    try withWork { _ in
      if options.strategy == .versionOnRead { reads?.note(range.clipped, in: tree.rawValue) }
    }
  }
}

// MARK: - Writing

extension Transaction {
  /// Creates a tree.
  ///
  /// Names have 1 to 255 bytes. Throws `.treeExists`. Where another transaction has created a tree
  /// of that name meanwhile, the commit fails with `.nameTaken`.
  public func createTree(named name: String) throws(EngineError) -> TreeID {
    try withWork { writes throws(EngineError) in
      // Whether there is one was asked.
      noteName(name)
      return try writes.createTree(named: name)
    }
  }

  /// Drops a tree with all its entries.
  public func dropTree(_ tree: TreeID) throws(EngineError) {
    try withWork { writes throws(EngineError) in try writes.dropTree(tree) }
  }

  /// Inserts or replaces.
  ///
  /// Keys have 1 to 1024 bytes, values at most 1 GiB.
  public func put(_ value: [UInt8], forKey key: [UInt8], in tree: TreeID) throws(EngineError) {
    try withWork { writes throws(EngineError) in try writes.put(value, forKey: key, in: tree) }
  }

  /// Deletes a key; absent keys are ignored.
  public func delete(_ key: [UInt8], in tree: TreeID) throws(EngineError) {
    try withWork { writes throws(EngineError) in try writes.delete(key, in: tree) }
  }
}
