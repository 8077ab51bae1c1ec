// SPDX-License-Identifier: Apache-2.0

/// A tree whose entries live in memory, in whatever form their owner likes.
///
/// A commit to it goes to the log and to memory. Its pages lag behind; the engine folds in what has
/// changed, sorted, with each checkpoint. A recovery needs nothing of this: it applies the log to the
/// pages as for any tree.
package final class ResidentTree: Sendable {
  package let tree: TreeID
  let attachment: ResidentAttachment
  private let database: Database

  init(_ attachment: ResidentAttachment, _ database: Database) {
    tree = TreeID(rawValue: attachment.tree)
    self.attachment = attachment
    self.database = database
  }

  /// Logs a value for a key, then calls `apply`; returns the LSN.
  ///
  /// Both happen under the lock that orders all commits, so that memory changes in the order of the
  /// log: `apply` must be quick and must not call the database. Does not wait for the disk; see
  /// `Database.settleResident`.
  ///
  /// - Throws: `.invalidKeyLength`; `.valueTooLong` above 64 KiB; `.treeNotFound` once the tree is
  ///   detached or dropped; `.closed`, `.readOnly`, `.poisoned`, `.storage`; `.outOfSpace`, after
  ///   which a checkpoint is made that may give some back. Nothing is changed then, and `apply` is
  ///   not called.
  @discardableResult
  package func put(
    _ key: Span<UInt8>, _ value: Span<UInt8>, apply: () -> Void
  ) throws(EngineError) -> UInt64 {
    try Self.check(key: key.count, value: value.count)
    return try key.withBytes { (key) throws(EngineError) in
      try value.withBytes { (value) throws(EngineError) in
        let change = KeyChange(operation: .put, tree: tree.rawValue, key: key, value: value)
        return try database.commitResident(change, attachment, apply: apply)
      }
    }
  }

  /// Logs that a key is deleted, then calls `apply`, like `put`.
  @discardableResult
  package func delete(_ key: Span<UInt8>, apply: () -> Void) throws(EngineError) -> UInt64 {
    try Self.check(key: key.count, value: 0)
    return try key.withBytes { (key) throws(EngineError) in
      let change = KeyChange(
        operation: .delete, tree: tree.rawValue, key: key, value: key.prefix(0))
      return try database.commitResident(change, attachment, apply: apply)
    }
  }

  /// Folds what has changed into the pages, and ends the attachment: from then on the tree is one as
  /// any other.
  ///
  /// - Throws: what `Database.checkpoint` throws; the tree stays attached then.
  package func detach() throws(EngineError) {
    try database.detachResident(attachment)
  }

  /// Like `detach`, for an owner that does not come back: takes no commit from now on, and never
  /// fails.
  ///
  /// Where folding has to wait, because there is no room for it, or because this thread is in a
  /// transaction or holds what `lockChanges` takes, the tree stays attached until the next transaction
  /// begins or somebody attaches it.
  package func giveUp() {
    database.giveUpResident(attachment)
  }

  static func check(key: Int, value: Int) throws(EngineError) {
    guard key > 0, key <= PageGeometry.maximumKeyBytes else {
      throw .invalidKeyLength(length: key, limit: PageGeometry.maximumKeyBytes)
    }
    guard value <= PageGeometry.directValueBytes else {
      throw .valueTooLong(length: value, limit: PageGeometry.directValueBytes)
    }
  }
}

/// Changes of one or several resident trees of one database, to be committed together.
package struct ResidentBatch: ~Copyable {
  let changes = WriteSet()
  /// The trees, each once.
  private(set) var attachments: [ResidentAttachment] = []

  /// An empty batch.
  package init() {}

  package var isEmpty: Bool { changes.isEmpty }

  /// Adds a value for a key, which replaces an earlier change of it.
  ///
  /// - Throws: `.invalidKeyLength`; `.valueTooLong` above 64 KiB.
  package mutating func put(
    _ key: Span<UInt8>, _ value: Span<UInt8>, in tree: ResidentTree
  ) throws(EngineError) {
    try ResidentTree.check(key: key.count, value: value.count)
    note(tree)
    key.withBytes { key in
      value.withBytes { value in
        _ = changes.set(
          KeyChange(operation: .put, tree: tree.tree.rawValue, key: key, value: value))
      }
    }
  }

  /// Adds the deletion of a key.
  ///
  /// - Throws: `.invalidKeyLength`.
  package mutating func delete(
    _ key: Span<UInt8>, in tree: ResidentTree
  ) throws(EngineError) {
    try ResidentTree.check(key: key.count, value: 0)
    note(tree)
    key.withBytes { key in
      _ = changes.set(
        KeyChange(operation: .delete, tree: tree.tree.rawValue, key: key, value: key.prefix(0)))
    }
  }

  private mutating func note(_ tree: ResidentTree) {
    if !attachments.contains(where: { $0 === tree.attachment }) {
      attachments.append(tree.attachment)
    }
  }
}
