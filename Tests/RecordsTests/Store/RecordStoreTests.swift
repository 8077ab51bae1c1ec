// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import StorageEngine
import TestSupport
import Testing

@Suite("Record store")
struct RecordStoreTests {
  @Test func `putting a record writes what differs and removes what is not given`() throws {
    try withReplica { replica in
      let store = replica.store
      #expect(try store.put("c", .text("k"), ["a": .integer(1), "b": .text("x"), "c": .null]))
      #expect(try store.put("c", .text("k"), ["a": .integer(1), "b": .text("y")]))
      #expect(
        try store.get("c", .text("k"))?.values == ["a": .integer(1), "b": .text("y")])
      let last = try replica.transactions().last?.transaction().parts.first?.operations.first
      #expect(
        last?.change
          == .patch([
            FieldChange(field: "b", value: .text("y")), FieldChange(field: "c", value: nil),
          ]))
    }
  }

  @Test func `what is equal already is not written`() throws {
    try withReplica { replica in
      let store = replica.store
      let fields: KeyValuePairs<String, Value> = [
        "d": .double(1), "n": .integer(1), "t": .text("é"), "z": .double(-0.0),
      ]
      #expect(try store.put("c", .integer(1), fields))
      #expect(try !store.put("c", .integer(1), fields))
      #expect(try store.transactionCount() == 1)
      // Equal to the eye, and other bytes: another value.
      #expect(
        try store.put(
          "c", .integer(1),
          ["d": .integer(1), "n": .integer(1), "t": .text("e\u{301}"), "z": .double(0)]))
      #expect(try store.transactionCount() == 2)
      try store.write { try $0.delete("c", .integer(1)) }
      #expect(try store.transactionCount() == 3)
      #expect(try store.write { try !$0.delete("c", .integer(1)) })
      #expect(try store.write { try !$0.delete("none", .integer(1)) })
      #expect(try store.transactionCount() == 3)
    }
  }

  @Test func `a patch leaves the other fields alone`() throws {
    try withReplica { replica in
      try replica.store.put("c", .text("k"), ["a": .integer(1), "b": .integer(2)])
      let isWritten = try replica.store.write { transaction in
        try transaction.patch(
          "c", .text("k"),
          [
            FieldChange(field: "z", value: .bool(true)), FieldChange(field: "a", value: nil),
            FieldChange(field: "none", value: nil),
          ])
      }
      #expect(isWritten)
      #expect(
        try replica.store.get("c", .text("k"))?.values == ["b": .integer(2), "z": .bool(true)])
      #expect(
        try replica.store.write {
          try !$0.patch("c", .text("k"), [FieldChange(field: "b", value: .integer(2))])
        })
      #expect(try replica.store.write { try $0.patch("c", .text("new"), []) })
      #expect(try replica.store.get("c", .text("new"))?.fields == [])
    }
  }

  @Test func `a unit of work that throws changes nothing, also not the clock`() throws {
    struct Stop: Error {}
    try withReplica { replica in
      try replica.store.put("c", .text("k"), ["a": .integer(1)])
      let before = try (replica.trees(), replica.store.status())
      #expect(throws: Stop.self) {
        try replica.store.write { transaction in
          try transaction.put("c", .text("k"), [])
          try transaction.put("new", .text("k"), [])
          throw Stop()
        }
      }
      #expect(try replica.trees() == before.0)
      #expect(try replica.store.status() == before.1)
    }
  }

  @Test func `a transaction sees its own changes and others do not`() throws {
    try withReplica { replica in
      let store = replica.store
      try store.put("c", .text("a"), [:])
      try store.write { transaction in
        try transaction.put("c", .text("b"), [.init("x", .integer(1))])
        try transaction.delete("c", .text("a"))
        #expect(try transaction.get("c", .text("b"))?["x"] == .integer(1))
        #expect(try transaction.get("c", .text("a")) == nil)
        var records = try transaction.records(in: "c")
        #expect(try records.next()?.key == .text("b"))
        #expect(try records.next() == nil)
        #expect(try store.get("c", .text("b")) == nil)
        #expect(try store.get("c", .text("a")) != nil)
      }
      #expect(try store.get("c", .text("b")) != nil)
    }
  }

  @Test func `one unit of work in several collections is one transaction`() throws {
    try withReplica { replica in
      try replica.store.write { transaction in
        for name in ["b", "a", "c", "a"] { try transaction.put(name, .text(name), []) }
      }
      let transactions = try replica.transactions()
      #expect(transactions.count == 1)
      #expect(try transactions[0].transaction().parts.map(\.collection) == ["a", "b", "c"])
      #expect(try replica.store.read { try $0.collections() } == ["a", "b", "c"])
    }
  }

  @Test func `what cannot be stored is refused, and nothing is changed`() throws {
    try withReplica { replica in
      let store = replica.store
      let long = String(repeating: "x", count: 1000)
      var deep = Value.integer(1)
      for _ in 0..<127 { deep = .array([deep]) }
      #expect(try store.put("c", .text("deepest"), ["a": deep]))
      let before = try replica.trees()
      #expect(throws: RecordStoreError.invalidCollection("")) {
        try store.put("", .text("k"), [:])
      }
      #expect(throws: RecordStoreError.invalidCollection(long)) {
        try store.put(long, .text("k"), [:])
      }
      #expect(throws: RecordStoreError.keyTooLong(length: 1000, limit: 900)) {
        try store.put("c", .text(long), [:])
      }
      for name in ["_key", "_collection", String(repeating: "f", count: 5000)] {
        #expect(throws: RecordStoreError.invalidField(name)) {
          try store.put("c", .text("k"), [name: .null])
        }
      }
      #expect(throws: RecordStoreError.duplicateField("a")) {
        try store.put("c", .text("k"), ["a": .null, "a": .null])
      }
      #expect(throws: RecordStoreError.invalidValue(field: "a", problem: .notFinite)) {
        try store.put("c", .text("k"), ["a": .array([.double(.infinity)])])
      }
      #expect(throws: RecordStoreError.invalidValue(field: "a", problem: .tooDeep(limit: 127))) {
        try store.put("c", .text("k"), ["a": .array([deep])])
      }
      #expect(try replica.trees() == before)
    }
  }

  @Test func `a refused call does not spoil the rest of the unit of work`() throws {
    try withReplica { replica in
      try replica.store.write { transaction in
        #expect(throws: RecordStoreError.self) {
          try transaction.put("c", .text("bad"), [.init("_key", .null)])
        }
        try transaction.put("c", .text("good"), [])
      }
      #expect(try replica.store.get("c", .text("good")) != nil)
      #expect(try replica.store.get("c", .text("bad")) == nil)
    }
  }

  @Test func `a transaction is of no use once its unit of work has ended`() throws {
    try withReplica { replica in
      var kept: RecordTransaction?
      try replica.store.write { kept = $0 }
      #expect(throws: EngineError.closed) { try kept?.put("c", .text("k"), []) }
    }
  }

  @Test func `stamps rise although the clock stands still or goes back`() throws {
    try withReplica { replica in
      for step in 0..<5 {
        replica.clock.set(1_800_000_000_000 - UInt64(step) * 1000)
        try replica.store.put("c", .integer(Int64(step)), [:])
        if step == 2 { try replica.reopen() }
      }
      let stamps = try replica.transactions().map(\.header.timestamp)
      #expect(stamps == stamps.sorted() && Set(stamps).count == 5)
    }
  }
}
