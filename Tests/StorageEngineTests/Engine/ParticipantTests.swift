// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization
import TestSupport
import Testing

/// A layer above that joins every commit.
struct ParticipantTests {
  /// Numbers the commits, in the tree "numbers"; refuses a commit when told to.
  private final class Numbering: CommitParticipant {
    struct Refusal: Error {}
    let refuses = Atomic<Bool>(false)

    func prepareCommit(_ transaction: WriteTransaction) throws {
      guard let tree = try transaction.tree(named: "numbers") else { return }
      let count = try transaction.count(of: tree)
      try transaction.put([], forKey: Marks.key(Int(count)), in: tree)
      if refuses.load(ordering: .relaxed) { throw Refusal() }
    }
  }

  @Test
  func `a participant sees every earlier commit and its changes commit with the rest`() throws {
    try withStore { store in
      try store.commit([.createTree("main"), .createTree("numbers")])
      let numbering = Numbering()
      store.database.setCommitParticipant(numbering)
      let database = store.database
      try runThreads(8) { thread in
        for round in 0..<50 {
          try database.write(durability: round % 5 == 0 ? .synced : .manual) { transaction in
            try Workload.put("main", "\(thread) \(round)", [1]).apply(to: transaction)
          }
        }
      }
      try database.flush()
      let view = try database.snapshot()
      let numbers = try #require(try view.tree(named: "numbers"))
      #expect(try view.count(of: numbers) == 400)
      #expect(try view.count(of: try #require(try view.tree(named: "main"))) == 400)
      view.close()
    }
  }

  @Test
  func `a participant that refuses rolls the transaction back`() throws {
    try withStore { store in
      var model = Model()
      try store.commit([.createTree("main"), .createTree("numbers")], to: &model)
      let numbering = Numbering()
      store.database.setCommitParticipant(numbering)
      numbering.refuses.store(true, ordering: .relaxed)
      #expect(throws: Numbering.Refusal.self) {
        try store.commit([Workload.put("main", "k", [1])])
      }
      try model.verify(try store.database.snapshot())
      numbering.refuses.store(false, ordering: .relaxed)
      try store.commit([Workload.put("main", "k", [2])], to: &model)
      model.apply(.put(tree: "numbers", key: Marks.key(0), value: []))
      try model.verify(try store.database.snapshot())
      try store.database.write { _ in }
      try model.verify(try store.database.snapshot())
    }
  }
}
