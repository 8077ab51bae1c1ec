// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// What a write has to know of the store before it begins, kept from one write to the next.
///
/// Left as a note on the state that a write leads to, so it is found by the next write alone, and
/// only when nothing came between; otherwise everything is read again.
final class StoreMemory: StateNote {
  /// Who writes.
  let origin: Origin
  /// What the journal knows; `nil` when it has to be read.
  var journal: JournalMemory?

  /// Reads what is there.
  init(_ trees: any TreeReader) throws {
    origin = try MetaTree.open(trees).origin()
  }
}

extension RecordStore {
  /// Runs `body` with the journal open for additions in a write transaction, and with what the
  /// write before knew.
  func update<R>(
    in trees: WriteTransaction, _ body: (inout JournalUpdate, StoreMemory) throws -> R
  ) throws -> R {
    let memory = try trees.takeNote() as? StoreMemory ?? StoreMemory(trees)
    let result = try journal.update(in: trees, from: &memory.journal) { try body(&$0, memory) }
    // The last step: what is changed behind it makes the transaction forget the note.
    trees.leaveNote(memory)
    return result
  }
}
