// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// What a layer above leaves on a state is found on exactly that state.
struct StateNoteTests {
  private final class Note: StateNote {
    let text: String

    init(_ text: String) { self.text = text }
  }

  private struct Stop: Error {}

  /// Runs `body` with a store whose last transaction left a note.
  private func withNotedStore(_ body: (TestStore, TreeID) throws -> Void) throws {
    try withStore { store in
      let tree = try store.database.write { transaction in
        let tree = try transaction.createTree(named: "main")
        transaction.leaveNote(Note("first"))
        return tree
      }
      try body(store, tree)
    }
  }

  private func note(_ store: TestStore) throws -> String? {
    try store.database.write { transaction in
      guard let note = transaction.takeNote() as? Note else { return nil }
      transaction.leaveNote(note)
      return note.text
    }
  }

  @Test
  func `the next transaction finds the note, and so does the one after an empty one`() throws {
    try withNotedStore { store, _ in
      #expect(try note(store) == "first")
      try store.database.write { _ in }
      #expect(try note(store) == "first")
      try store.database.checkpoint()
      #expect(try note(store) == "first")
    }
  }

  @Test
  func `who takes the note and leaves none leaves none`() throws {
    try withNotedStore { store, _ in
      let taken = try store.database.write { $0.takeNote() as? Note }
      #expect(taken != nil)
      #expect(try note(store) == nil)
    }
  }

  @Test
  func `every kind of change forgets the note`() throws {
    try withNotedStore { store, tree in
      let changes: [(WriteTransaction) throws -> Void] = [
        { try $0.put([1], forKey: [1], in: tree) },
        { try $0.put([UInt8](repeating: 1, count: 3 << 20), forKey: [1], in: tree) },
        { try $0.delete([1], in: tree) },
        { _ = try $0.createTree(named: "other") },
        { try $0.dropTree(tree) },
      ]
      for change in changes {
        try store.database.write { transaction in
          transaction.leaveNote(Note("before"))
          try change(transaction)
          let left = transaction.takeNote()
          #expect(left == nil)
        }
        #expect(try note(store) == nil)
      }
    }
  }

  @Test
  func `a note left behind changes is found within the transaction and after it`() throws {
    try withNotedStore { store, tree in
      try store.database.write { transaction in
        try transaction.put([1], forKey: [1], in: tree)
        transaction.leaveNote(Note("second"))
        let note = transaction.takeNote()
        #expect((note as? Note)?.text == "second")
        if let note { transaction.leaveNote(note) }
      }
      #expect(try note(store) == "second")
    }
  }

  @Test
  func `a transaction that is rolled back leaves no note, neither the old nor its own`() throws {
    try withNotedStore { store, tree in
      #expect(throws: Stop.self) {
        try store.database.write { transaction in
          try transaction.put([1], forKey: [1], in: tree)
          transaction.leaveNote(Note("second"))
          throw Stop()
        }
      }
      let left = try note(store)
      #expect(left == nil)
    }
  }

  @Test
  func `a transaction that is refused at its commit leaves no note`() throws {
    try withNotedStore { store, tree in
      #expect(throws: EngineError.self) {
        try store.database.write { transaction in
          let value = [UInt8](repeating: 1, count: 100 << 10)
          for key in 0..<UInt8(100) { try transaction.put(value, forKey: [key], in: tree) }
          transaction.leaveNote(Note("second"))
          store.disk.setCapacity(try store.disk.length())
        }
      }
      store.disk.setCapacity(1 << 40)
      let left = try note(store)
      #expect(left == nil)
    }
  }

  @Test
  func `what a participant of the commit adds forgets the note`() throws {
    final class Adding: CommitParticipant {
      func prepareCommit(_ transaction: WriteTransaction) throws {
        guard let tree = try transaction.tree(named: "main") else { return }
        try transaction.put([2], forKey: [2], in: tree)
      }
    }
    try withNotedStore { store, tree in
      store.database.setCommitParticipant(Adding())
      try store.database.write { transaction in
        try transaction.put([1], forKey: [1], in: tree)
        transaction.leaveNote(Note("second"))
      }
      #expect(try note(store) == nil)
    }
  }
}
