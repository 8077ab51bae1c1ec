// SPDX-License-Identifier: Apache-2.0

/// What was committed since the oldest open transaction began, so that the commit of each can be
/// checked against it.
///
/// Nothing is kept while no transaction is open. When more is kept than the limit allows, the
/// oldest transaction is given up.
final class ConflictWindow: @unchecked Sendable {
  /// A commit that open transactions may not have seen.
  private struct Commit {
    let lsn: UInt64
    let changes: WriteSet
    /// The names it has given and taken, as keys.
    let names: WriteSet?
    let dropped: [UInt32]
    /// Trees in which it changed more than is kept: any key may be among it.
    let spilled: Set<UInt32>
  }

  /// An open transaction: its base, once that is known, and whether it was given up.
  private struct Open {
    let ticket: UInt64
    var base: UInt64
    var isGivenUp = false
  }

  private let lock = Lock()
  private let limit: Int
  @safe @exclusivity(unchecked) private var commits: [Commit] = []
  @safe @exclusivity(unchecked) private var bytes = 0
  /// In the order they began.
  @safe @exclusivity(unchecked) private var open: [Open] = []
  @safe @exclusivity(unchecked) private var nextTicket: UInt64 = 1
  /// The last commit that was not kept, because no transaction was open.
  @safe @exclusivity(unchecked) private var lastUnkept: UInt64

  init(lsn: UInt64, limit: Int) {
    lastUnkept = lsn
    self.limit = limit
  }

  /// Registers a transaction that begins.
  ///
  /// Every commit from now on is kept for it; it must begin behind the LSN returned, whose
  /// successors are all kept.
  func begin() -> (ticket: UInt64, behind: UInt64) {
    lock.withLock {
      let ticket = nextTicket
      nextTicket += 1
      open.append(Open(ticket: ticket, base: lastUnkept))
      return (ticket, lastUnkept)
    }
  }

  /// Forgets a transaction.
  func end(_ ticket: UInt64) {
    lock.withLock {
      open.removeAll { $0.ticket == ticket }
      prune()
    }
  }

  /// Notes which state a transaction reads.
  func setBase(_ base: UInt64, of ticket: UInt64) {
    lock.withLock {
      guard let position = open.firstIndex(where: { $0.ticket == ticket }) else { return }
      open[position].base = base
      prune()
    }
  }

  /// Keeps a commit, if a transaction is open that can still be checked; `nil` for one that changed
  /// nothing anybody could be at odds with.
  func note(_ lsn: UInt64, _ work: WriteTransaction?) {
    lock.withLock {
      guard open.contains(where: { !$0.isGivenUp }) else {
        lastUnkept = lsn
        return
      }
      guard let work else { return }
      let changes = work.changes
      commits.append(
        Commit(
          lsn: lsn, changes: changes.recent, names: work.changedNames, dropped: work.droppedTrees,
          spilled: changes.spilled.isEmpty ? [] : changes.trees))
      bytes += Self.bytes(of: changes.recent, work.changedNames)
      while bytes > limit, let oldest = open.firstIndex(where: { !$0.isGivenUp }) {
        open[oldest].isGivenUp = true
        prune()
      }
    }
  }

  /// About how much memory it takes to keep a commit.
  private static func bytes(of changes: WriteSet, _ names: WriteSet?) -> Int {
    MemoryLayout<Commit>.stride + 256 + changes.memoryBytes + (names?.memoryBytes ?? 0)
  }

  /// Drops what every open transaction has seen.
  private func prune() {
    let oldest = open.lazy.filter { !$0.isGivenUp }.map(\.base).min() ?? .max
    let seen = commits.firstIndex { $0.lsn > oldest } ?? commits.count
    guard seen > 0 else { return }
    for commit in commits[..<seen] { bytes -= Self.bytes(of: commit.changes, commit.names) }
    lastUnkept = max(lastUnkept, commits[seen - 1].lsn)
    commits.removeFirst(seen)
  }

  func isGivenUp(_ ticket: UInt64) -> Bool {
    lock.withLock { open.first { $0.ticket == ticket }?.isGivenUp ?? true }
  }

  /// Looks for a commit since `base` with which a transaction is at odds; returns the tree.
  ///
  /// - Parameters:
  ///   - work: its changes.
  ///   - read: what it read, if that must be unchanged.
  /// - Throws: what reading changes that were spilled throws.
  func conflict(
    since base: UInt64, _ work: WriteTransaction, read: ReadSet?
  ) throws(EngineError) -> UInt32? {
    // Compared outside the lock: what was spilled has to be read. The sets change no more.
    let later = lock.withLock { commits.filter { $0.lsn > base } }
    for commit in later {
      if let tree = try Self.writeConflict(work, commit) { return tree }
      if let read, let tree = Self.readConflict(read, commit) { return tree }
    }
    return nil
  }

  private static func readConflict(_ read: ReadSet, _ commit: Commit) -> UInt32? {
    if let tree = read.firstConflict(with: commit.changes) { return tree }
    if let tree = commit.names.flatMap(read.firstConflict) { return tree }
    return commit.dropped.first { read.contains(tree: $0) }
      ?? commit.spilled.first { read.contains(tree: $0) }
  }

  private static func writeConflict(
    _ work: WriteTransaction, _ commit: Commit
  ) throws(EngineError) -> UInt32? {
    if let tree = work.changes.recent.firstCommonKey(with: commit.changes) { return tree }
    if let tree = work.droppedTrees.first(where: { !commit.changes.isEmpty(in: $0) }) {
      return tree
    }
    if !commit.spilled.isEmpty {
      let touched = work.changes.trees.union(work.droppedTrees)
      if let tree = commit.spilled.first(where: touched.contains) { return tree }
    }
    guard !work.changes.spilled.isEmpty else { return nil }
    for entry in commit.changes.entries {
      let change = entry.change
      if try work.changes.find(change.key, in: change.tree) != nil { return change.tree }
    }
    return nil
  }

  /// How many transactions are open, how many commits are kept for them, and the base of the
  /// oldest.
  var figures: (open: Int, commits: Int, oldestBase: UInt64?) {
    lock.withLock { (open.count, commits.count, open.lazy.map(\.base).min()) }
  }
}
