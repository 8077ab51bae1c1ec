// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Tasks whose commits wait for what a prepared transaction holds.
struct AsyncLockTests {
  /// More than there are threads for tasks.
  private static let tasks = 48

  private func prepare(
    _ record: RecordID, in database: Database
  ) throws -> PreparedTransaction {
    let transaction = try database.begin(TransactionOptions(identifier: bytes("holder")))
    try transaction.update(record, to: bytes("held"))
    return try transaction.prepare()
  }

  private func beginUpdate(
    _ record: RecordID, _ number: Int, in database: Database
  ) throws -> Transaction {
    let transaction = try database.begin(TransactionOptions(strategy: .lastWriteWins))
    try transaction.update(record, to: bytes("task \(number)"))
    return transaction
  }

  private static func failure(of transaction: Transaction) async -> TransactionError? {
    do throws(TransactionError) {
      try await transaction.commit()
      return nil
    } catch {
      return error
    }
  }

  @Test(.timeLimit(.minutes(1)), arguments: [true, false])
  func `any number of commits wait without a thread each until a task decides`(
    _ commits: Bool
  ) async throws {
    let store = try TestStore(adjust: { $0.lockWait = .seconds(600) })
    let database = store.database
    let record = try database.makeRecord()
    let prepared = try prepare(record, in: database)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<Self.tasks {
        let transaction = try beginUpdate(record, number, in: database)
        group.addTask { try await transaction.commit() }
      }
      group.addTask {
        // Were the threads of all tasks held up, this one would not come to it.
        for _ in 0..<20 { try await Task.sleep(for: .milliseconds(5)) }
        if commits { try prepared.commit() } else { try prepared.rollback() }
      }
      try await group.waitForAll()
    }
    let value = try #require(try database.committed(record))
    #expect(String(decoding: value, as: UTF8.self).hasPrefix("task "))
    try store.checkTwiceAndClose()
  }

  @Test(.timeLimit(.minutes(1)))
  func `a wait ends with the holder's name, and the transaction with it`() async throws {
    let store = try TestStore(adjust: { $0.lockWait = .milliseconds(60) })
    let database = store.database
    let record = try database.makeRecord()
    let prepared = try prepare(record, in: database)
    let refusal = TransactionError.lockTimeout(holder: bytes("holder"))
    await withTaskGroup(of: [TransactionError?].self) { group in
      for number in 0..<Self.tasks {
        group.addTask {
          // The second time it has ended.
          guard let transaction = try? self.beginUpdate(record, number, in: database) else {
            return []
          }
          return [await Self.failure(of: transaction), await Self.failure(of: transaction)]
        }
      }
      for await failures in group { #expect(failures == [refusal, .ended]) }
    }
    try prepared.rollback()
    try await beginUpdate(record, 0, in: database).commit()
    #expect(try database.committed(record) == bytes("task 0"))
    try store.checkTwiceAndClose()
  }

  /// What commits that wait for a prepared transaction end with, once `end` has come over the store.
  private func failuresOfWaiting(
    until end: (TestStore) throws -> Void
  ) async throws -> (failures: [TransactionError?], prepared: PreparedTransaction) {
    let store = try TestStore(adjust: { $0.lockWait = .seconds(600) })
    let database = store.database
    let record = try database.makeRecord()
    // Given up unused while they wait, it would let go of what it holds.
    let prepared = try prepare(record, in: database)
    let failures = try await withThrowingTaskGroup(of: TransactionError?.self) { group in
      for number in 0..<4 {
        let transaction = try beginUpdate(record, number, in: database)
        group.addTask { await Self.failure(of: transaction) }
      }
      try await Task.sleep(for: .milliseconds(50))
      try end(store)
      var failures: [TransactionError?] = []
      for try await failure in group { failures.append(failure) }
      return failures
    }
    return (failures, prepared)
  }

  @Test(.timeLimit(.minutes(1)))
  func `a wait ends when the database is closed`() async throws {
    let (failures, prepared) = try await failuresOfWaiting { try $0.database.close() }
    #expect(failures == [TransactionError?](repeating: .engine(.closed), count: 4))
    withExtendedLifetime(prepared) {}
  }

  @Test(.timeLimit(.minutes(1)))
  func `a wait ends when the disk fails, since no decision can come any more`() async throws {
    let (failures, prepared) = try await failuresOfWaiting { try $0.database.loseDisk($0.disk) }
    #expect(failures.count == 4)
    for failure in failures {
      guard case .engine(.poisoned) = failure else {
        throw TestFailure("the wait ended with \(String(describing: failure))")
      }
    }
    #expect(throws: TransactionError.self) { try prepared.commit() }
  }

  @Test(.timeLimit(.minutes(1)))
  func `one that waits less long than those before it is not kept waiting`() async throws {
    let store = try TestStore(adjust: { $0.lockWait = .seconds(600) })
    let database = store.database
    let record = try database.makeRecord()
    let prepared = try prepare(record, in: database)
    let patient = Task { try await self.beginUpdate(record, 0, in: database).commit() }
    try await Task.sleep(for: .milliseconds(50))
    let decisions = database.prepared.wakeups
    await decisions.waitWithoutBlocking(
      after: decisions.count, until: Deadline(after: .milliseconds(50)))
    try prepared.commit()
    try await patient.value
    try store.checkTwiceAndClose()
  }

  @Test(.timeLimit(.minutes(1)))
  func `a transaction that is rolled back while its commit waits is over`() async throws {
    let store = try TestStore(adjust: { $0.lockWait = .seconds(600) })
    let database = store.database
    let record = try database.makeRecord()
    let prepared = try prepare(record, in: database)
    let transaction = try beginUpdate(record, 1, in: database)
    let waiting = Task { try await transaction.commit() }
    try await Task.sleep(for: .milliseconds(30))
    transaction.rollback()
    try prepared.rollback()
    await #expect(throws: TransactionError.ended) { try await waiting.value }
    #expect(try database.committed(record) == bytes("old"))
    try store.checkTwiceAndClose()
  }
}
