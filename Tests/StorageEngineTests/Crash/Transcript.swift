// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport

/// What a workload did and when, in the disk's count of calls that change something.
struct Transcript: Sendable {
  struct Transaction: Sendable {
    /// Its changes, the mark included.
    let changes: [Change]
    /// The step it belongs to; transactions of one step run at the same time.
    let step: Int
    /// Calls before it began.
    let began: Int
    /// Whether the engine said that it is committed.
    var isAcknowledged = false
    /// Calls until it was promised to survive a power cut.
    var durableAt: Int?
  }

  /// A state that was kept under a name; all in calls.
  struct Snapshot: Sendable {
    let name: String
    /// The transactions it holds.
    let present: [Int]
    let began: Int
    /// When it was promised.
    var madeAt: Int?
    var dropBegan: Int?
    /// When its end was promised.
    var droppedAt: Int?
  }

  /// Calls until the creation of the store was acknowledged.
  var createdAt: Int?
  var transactions: [Transaction] = []
  var snapshots: [Snapshot] = []
}

/// Compares stores with a transcript.
final class TranscriptVerifier: Sendable {
  let transcript: Transcript
  /// Models of the first n transactions, each built from the one before.
  private let prefixes: Guarded<[Model]>

  init(_ transcript: Transcript) {
    self.transcript = transcript
    prefixes = Guarded([Model()])
  }

  /// Checks that a store holds, after a power cut in call number `call`, exactly the transactions
  /// it must hold and perhaps such as were under way, each whole.
  ///
  /// Returns them.
  func verify(_ reader: any TreeReader, cutAt call: Int) throws -> [Int] {
    let present = try Marks.present(in: reader)
    let transactions = transcript.transactions
    for index in transactions.indices {
      let transaction = transactions[index]
      let isPresent = present.contains(index)
      if let durableAt = transaction.durableAt, durableAt <= call, !isPresent {
        throw TestFailure("transaction \(index) was durable and is lost; present: \(present)")
      }
      if isPresent, transaction.began > call {
        throw TestFailure("transaction \(index) is there before it began")
      }
    }
    if let last = present.last, last >= transactions.count {
      throw TestFailure("transaction \(last) never existed")
    }
    try verifyOrder(present)
    try verify(reader, holds: present)
    return present
  }

  /// Checks that a store holds exactly the given transactions, and `more` on top.
  func verify(_ reader: any TreeReader, holds present: [Int], and more: [Change] = []) throws {
    var model = model(of: present)
    model.apply(more)
    try model.verify(reader)
  }

  /// A transaction that began after another was acknowledged may not be there without it.
  private func verifyOrder(_ present: [Int]) throws {
    guard let last = present.last else { return }
    let lastStep = transcript.transactions[last].step
    for index in transcript.transactions.indices {
      let transaction = transcript.transactions[index]
      if transaction.isAcknowledged, transaction.step < lastStep, !present.contains(index) {
        throw TestFailure("transaction \(index) is missing, but the later \(last) is there")
      }
    }
  }

  private func model(of present: [Int]) -> Model {
    let prefix = zip(present, 0...).prefix { $0 == $1 }.count
    var model = prefixes.withLock { models in
      while models.count <= prefix {
        var next = models[models.count - 1]
        next.apply(transcript.transactions[models.count - 1].changes)
        models.append(next)
      }
      return models[prefix]
    }
    for index in present[prefix...] { model.apply(transcript.transactions[index].changes) }
    return model
  }
}
