// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Maps read without their types, by what the store says of them.
struct StoredMapTests {
  @Test(arguments: [1, 1023, 1024, 5000], [0, 100, 65_536, 200_000])
  func `entries of all lengths are read by their keys and in a visit`(
    keyBytes: Int, valueBytes: Int
  ) throws {
    try withStore { store in
      let map = try DurableMap<[UInt8], [UInt8]>(named: "map", in: store.database)
      let keys = (0..<3).map { [UInt8](repeating: UInt8($0), count: keyBytes) }
      let value = [UInt8](repeating: 7, count: valueBytes)
      for key in keys { try map.set(key, value) }
      try map.set([99], [1], timeToLive: .seconds(3600))
      map.close()
      try store.database.read { view in
        let stored = try #require(try StoredMap.all(in: view).first)
        #expect(stored.keyType == .named("bytes") && stored.name == "map")
        var found: [[UInt8]: [UInt8]] = [:]
        try stored.visit(in: view) { entry in
          found[entry.key] = entry.value
          return true
        }
        #expect(Set(found.keys) == Set(keys + [[99]]))
        for key in keys {
          #expect(found[key] == value)
          #expect(try stored.entry(forKey: key, in: view)?.value == value)
        }
        #expect(try stored.entry(forKey: [99], in: view)?.expiry != nil)
        #expect(try stored.entry(forKey: [98], in: view) == nil)
      }
    }
  }

  @Test(arguments: [0, UInt64.max])
  func `a journal with a number that no command has is reported`(_ number: UInt64) throws {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "n"))
    try bank.system.close()
    try bank.database.write { transaction in
      guard let tree = try transaction.tree(named: "memory/system/main/journal") else {
        throw TestFailure("no journal")
      }
      let key = (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
      try transaction.put([0], forKey: key, in: tree)
    }
    try bank.database.checkpoint()
    let view = try bank.database.snapshot()
    #expect(throws: PrevalenceError.self) {
      for system in try StoredSystem.all(in: bank.database, view) {
        try system.visit(in: view) { _ in true }
      }
    }
    view.close()
    #expect(try bank.database.check().isIntact)
    try bank.database.close()
  }

  @Test func `values are shown by the names of their types`() {
    let pair = DurableTuple("a", Int32(-5), Optional([UInt8(1)]))
    let type = StoredType(type(of: pair).durableType)
    #expect(StoredValue(bytes(pair), of: type) == .list([.text("a"), .integer("-5"), .bytes([1])]))
    #expect(
      StoredValue(bytes(UInt128.max), of: StoredType("uint128")) == .integer("\(UInt128.max)"))
    #expect(StoredValue(bytes(2.5), of: StoredType("double")) == .number(2.5))
    #expect(StoredValue(bytes(true), of: StoredType("bool")) == .bool(true))
    #expect(StoredValue(bytes(Int?.none), of: StoredType("optional(int64)")) == .none)
    let uuid = UUIDElement(rawValue: 0x0123_4567_89AB_CDEF_0123_4567_89AB_CDEF)
    #expect(
      StoredValue(bytes(uuid), of: StoredType("uuid"))
        == .text("01234567-89ab-cdef-0123-456789abcdef"))
    #expect(
      StoredValue.bytes(parsing: "01234567-89ab-cdef-0123-456789abcdef", as: StoredType("uuid"))
        == bytes(uuid))
  }

  @Test(arguments: [
    ("int64", [UInt8(1), 2]), ("string", [0xFF]), ("tuple(string,int8)", [5, 1]),
    ("optional(bool)", [2]), ("no type of ours", [1]), ("tuple(tuple(bool)", [1]), ("bool", [7]),
  ])
  func `what cannot be read as its type is shown as bytes`(_ name: String, _ value: [UInt8]) {
    #expect(StoredValue(value, of: StoredType(name)) == .bytes(value))
  }

  @Test func `a name of a type that is nested without end is one that is not known`() {
    let name =
      String(repeating: "optional(", count: 40) + "bool" + String(repeating: ")", count: 40)
    #expect(StoredType(name) == .named(name))
  }

  private func bytes<T: DurableCodable>(_ value: T) -> [UInt8] {
    value.withDurableBytes { span in span.indices.map { span[$0] } }
  }
}
