// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
@testable import Records
import TestSupport
import Testing

private struct Person: Record, Equatable {
  enum Kind: String, Codable { case guest, member }
  struct Address: Codable, Equatable {
    var street: String
    var number: Int8?
  }

  static let collection = "people"
  var id: String
  var name: String
  var visits: UInt64 = 0
  var score: Double?
  var kind = Kind.guest
  var tags: [String] = []
  var addresses: [Address] = []
  var home: Address?
  var photo: [UInt8] = []
  var notes: [String: Int] = [:]
}

private struct Visit: Record, Equatable {
  static let collection = "visits"
  var id: UUIDBytes
  var place: Int
}

private struct Counter: Record, Equatable {
  static let collection = "counters"
  var id: Int
  var value: Double
}

@Suite("Repositories")
struct RepositoryTests {
  private static let ada = Person(
    id: "ada", name: "Ada", visits: .max, score: 1.5, kind: .member, tags: ["a", "b"],
    addresses: [.init(street: "x", number: -3), .init(street: "y", number: nil)],
    home: .init(street: "z", number: 1), photo: [1, 2], notes: ["k": 1])

  @Test func `a model comes back as it was saved`() throws {
    try withReplica { replica in
      let people = Repository<Person>(replica.store)
      let bare = Person(id: "bare", name: "")
      #expect(try people.save(Self.ada))
      #expect(try people.save(bare))
      #expect(try people.find("ada") == Self.ada)
      #expect(try people.find("bare") == bare)
      #expect(try people.find("none") == nil)
      #expect(try people.all() == [Self.ada, bare])
      #expect(try !people.save(Self.ada))
      #expect(try people.delete("ada"))
      #expect(try !people.delete("ada"))
      #expect(try people.all() == [bare])
      let visits = Repository<Visit>(replica.store)
      let visit = Visit(id: UUIDBytes(high: 1, low: 2), place: -1)
      try visits.save(visit)
      #expect(try visits.find(visit.id) == visit)
      let counters = Repository<Counter>(replica.store)
      try counters.save(Counter(id: -1, value: 2))
      #expect(try counters.all() == [Counter(id: -1, value: 2)])
    }
  }

  @Test func `an empty array is an array, and bytes are bytes`() throws {
    try withReplica { replica in
      try Repository<Person>(replica.store).save(Person(id: "p", name: ""))
      let record = try #require(try replica.store.get("people", .text("p")))
      #expect(record["tags"] == .array([]))
      #expect(record["photo"] == .bytes([]))
      #expect(record["score"] == nil)
      #expect(record["id"] == .text("p"))
    }
  }

  @Test func `saving keeps fields the model does not have and removes what became nil`() throws {
    try withReplica { replica in
      let people = Repository<Person>(replica.store)
      try people.save(Self.ada)
      try replica.store.write {
        try $0.patch("people", .text("ada"), [FieldChange(field: "later", value: .integer(1))])
      }
      var ada = Self.ada
      ada.score = nil
      ada.home = nil
      try people.save(ada)
      let record = try #require(try replica.store.get("people", .text("ada")))
      #expect(record["later"] == .integer(1))
      #expect(record["score"] == nil && record["home"] == nil)
      #expect(try people.find("ada") == ada)
    }
  }

  @Test func `several repositories work in one unit of work`() throws {
    try withReplica { replica in
      let people = Repository<Person>(replica.store)
      let counters = Repository<Counter>(replica.store)
      try replica.store.write { transaction in
        try people.save(Self.ada, in: transaction)
        try counters.save(Counter(id: 1, value: 0.5), in: transaction)
        #expect(try people.find("ada", in: transaction) == Self.ada)
        #expect(try counters.all(in: transaction).count == 1)
      }
      #expect(try replica.store.transactionCount() == 1)
    }
  }

  @Test func `a record that is no such model is refused with the field`() throws {
    try withReplica { replica in
      let counters = Repository<Counter>(replica.store)
      try replica.store.put("counters", .integer(1), ["id": .integer(1)])
      #expect(throws: ModelError.missing(path: "value")) { try counters.find(1) }
      try replica.store.put("counters", .integer(1), ["id": .integer(1), "value": .text("x")])
      #expect(throws: ModelError.mismatch(path: "value", expected: "a number")) {
        try counters.find(1)
      }
      try replica.store.put("counters", .integer(1), ["id": .unsigned(.max), "value": .null])
      #expect(throws: ModelError.outOfRange(path: "id")) { try counters.find(1) }
      #expect(throws: ModelError.notFinite(path: "value")) {
        try counters.save(Counter(id: 2, value: .nan))
      }
      #expect(try replica.store.get("counters", .integer(2)) == nil)
    }
  }
}
