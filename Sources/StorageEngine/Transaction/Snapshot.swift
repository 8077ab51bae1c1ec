// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A consistent view of one committed state.
///
/// Never blocks writers and is never blocked; keeps alive only the pages it can see. Any number of
/// threads may read through it.
public final class Snapshot: TreeReader, OpenableView, Sendable {
  let database: Database
  /// That of the database, kept here so that a get counts no reference to reach it.
  let pager: Pager
  let state: TreeSet
  private let reader: Int
  private let isOpen = Atomic<Bool>(true)

  /// Made for a view that is registered already.
  init(database: Database, state: TreeSet, reader: Int) {
    self.database = database
    pager = database.pager
    self.state = state
    self.reader = reader
  }

  deinit {
    close()
  }

  /// The LSN of the last transaction it shows.
  public var lsn: UInt64 { state.lsn }

  /// Gives up the view; further reads throw `.closed`.
  ///
  /// Also done when the last reference goes.
  public func close() {
    if isOpen.exchange(false, ordering: .acquiringAndReleasing) {
      pager.snapshots.close(state.lsn, reader: reader)
    }
  }

  func checkOpen() throws(EngineError) {
    guard isOpen.load(ordering: .acquiring), !database.isClosed else { throw .closed }
  }

  func descriptor(_ tree: TreeID) throws(EngineError) -> TreeDescriptor {
    try checkOpen()
    guard let descriptor = state[tree.rawValue] else {
      throw .treeNotFound("number \(tree.rawValue)")
    }
    return descriptor
  }

  /// Finds a tree by name.
  public func tree(named name: String) throws(EngineError) -> TreeID? {
    try checkOpen()
    return state.visibleTree(named: name)
  }

  /// Lists all trees with their names, ordered by name.
  public func trees() throws(EngineError) -> [(name: String, tree: TreeID)] {
    try checkOpen()
    return state.namedTrees()
  }

  /// Whether there is a segment of that number, and not a tree of another kind.
  public func hasSegment(_ segment: SegmentID) throws(EngineError) -> Bool {
    try checkOpen()
    return state.segments.contains(segment.rawValue)
  }

  /// Counts the entries of a tree.
  public func count(of tree: TreeID) throws(EngineError) -> UInt64 {
    try descriptor(tree).entries
  }

  /// Copies the value of a key, or returns `nil`.
  public func value(forKey key: [UInt8], in tree: TreeID) throws(EngineError) -> [UInt8]? {
    let descriptor = try descriptor(tree)
    guard !key.isEmpty, key.count <= PageGeometry.maximumKeyBytes else { return nil }
    return try key.withBytes { (bytes) throws(EngineError) in
      try pager.value(forKey: bytes, in: descriptor)
    }
  }

  /// Starts a cursor.
  public func cursor(
    in tree: TreeID, range: KeyRange, reversed: Bool
  ) throws(EngineError) -> Cursor {
    Cursor(
      pager: pager, tree: try descriptor(tree), view: self, range: range,
      reversed: reversed)
  }
}

extension TreeSet {
  /// All trees with their names, ordered by name; those of the engine itself only when asked for.
  func namedTrees(includingHidden: Bool = false) -> [(name: String, tree: TreeID)] {
    names.filter { includingHidden || !StoredName.isHidden($0.key) }
      .sorted { $0.key < $1.key }
      .map { (name: $0.key.text, tree: TreeID(rawValue: $0.value)) }
  }

  /// Finds a tree by name, unless it is one of the engine itself.
  func visibleTree(named name: String) -> TreeID? {
    if StoredName.isHidden(TreeName(name)) { return nil }
    return tree(named: name).map(TreeID.init(rawValue:))
  }
}
