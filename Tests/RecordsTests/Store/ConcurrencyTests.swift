// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Dispatch
@testable import Records
import StorageEngine
import TestSupport
import Testing

@Suite("Records, many threads")
struct ConcurrencyTests {
  @Test func `writes of many threads are one dense chain, and readers see whole ones`() throws {
    try withReplica { replica in
      let store = replica.store
      let errors = SharedList<String>()
      DispatchQueue.concurrentPerform(iterations: 8) { thread in
        do {
          for step in 0..<25 {
            if thread < 6 {
              try store.write { transaction in
                let key = RecordKey.integer(Int64(thread))
                try transaction.put("a", key, [.init("n", .integer(Int64(step)))])
                try transaction.put("b", key, [.init("n", .integer(Int64(step)))])
              }
            } else {
              try store.read { view in
                for key in 0..<6 {
                  let key = RecordKey.integer(Int64(key))
                  if try view.get("a", key) != view.get("b", key) { errors.append("torn") }
                }
              }
            }
          }
        } catch {
          errors.append("\(error)")
        }
      }
      #expect(errors.elements.isEmpty)
      let count = try store.transactionCount()
      #expect(count == 150)
    }
  }

  @Test func `a commit that fails leaves the journal as it was, and the next one fits`() throws {
    try withReplica { replica in
      try replica.store.put("c", .text("a"), [:])
      struct Stop: Error {}
      for _ in 0..<3 {
        #expect(throws: Stop.self) {
          try replica.store.write { transaction in
            try transaction.put("c", .text("b"), [])
            throw Stop()
          }
        }
      }
      try replica.store.put("c", .text("c"), [:])
      #expect(try replica.transactions().map(\.header.sequence) == [1, 2])
    }
  }
}
