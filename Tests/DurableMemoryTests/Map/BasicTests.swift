// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// What a map does with one entry.
struct BasicTests {
  @Test
  func `two keys are set and read, also after reopening (K1)`() throws {
    try withMap(String.self, Int.self) { fixture in
      try fixture.map.set("a", 1)
      try fixture.map.set("b", 2)
      for _ in 0..<2 {
        #expect(try fixture.map.get("a") == 1)
        #expect(try fixture.map.get("b") == 2)
        try fixture.reopen()
      }
    }
  }

  @Test
  func `a key that was never set has no value, before and after reopening (K2)`() throws {
    try withMap(String.self, Int.self) { fixture in
      try fixture.map.set("a", 1)
      for _ in 0..<2 {
        #expect(try fixture.map.get("b") == nil)
        #expect(try !fixture.map.contains("b"))
        #expect(try fixture.map.withValue(for: "b") { $0.count } == nil)
        try fixture.reopen()
      }
    }
  }

  @Test
  func `overwriting one key leaves the other as it is (K3)`() throws {
    try withMap(String.self, Int.self) { fixture in
      try fixture.map.set("a", 1)
      try fixture.map.set("b", 2)
      #expect(try fixture.map.set("a", 3))
      for _ in 0..<2 {
        #expect(try fixture.map.get("a") == 3)
        #expect(try fixture.map.get("b") == 2)
        #expect(fixture.map.count == 2)
        try fixture.reopen()
      }
    }
  }

  @Test
  func `a deleted key is gone at once and after reopening (K4)`() throws {
    try withMap(String.self, Int.self) { fixture in
      try fixture.map.set("a", 1)
      #expect(try fixture.map.unset("a"))
      for _ in 0..<2 {
        #expect(try fixture.map.get("a") == nil)
        #expect(fixture.map.isEmpty)
        try fixture.reopen()
      }
    }
  }

  @Test
  func `texts are set, read and deleted (K5)`() throws {
    try withMap(String.self, String.self) { fixture in
      for (key, value) in [("key", "value"), ("Schlüssel", "Wert mit ß 🙂"), ("k", "")] {
        try fixture.map.set(key, value)
        #expect(try fixture.map.get(key) == value)
        try fixture.reopen()
        #expect(try fixture.map.get(key) == value)
        #expect(try fixture.map.unset(key))
        #expect(try fixture.map.get(key) == nil)
      }
    }
  }

  @Test
  func `numbers beyond 32 bits are set, read and deleted (K6)`() throws {
    try withMap(UInt64.self, UInt64.self) { fixture in
      try fixture.map.set(35_293_853_295, 1_139_131_311)
      #expect(try fixture.map.get(35_293_853_295) == 1_139_131_311)
      #expect(try fixture.map.unset(35_293_853_295))
      #expect(try fixture.map.get(35_293_853_295) == nil)
    }
  }

  @Test
  func `numbers of 32 bits are set, read and deleted (K7)`() throws {
    try withMap(Int32.self, Int32.self) { fixture in
      try fixture.map.set(352_938_539, 113_913_131)
      #expect(try fixture.map.get(352_938_539) == 113_913_131)
      #expect(try fixture.map.unset(352_938_539))
      #expect(try fixture.map.get(352_938_539) == nil)
    }
  }

  @Test
  func `negative numbers are keys and values, also after reopening (K8)`() throws {
    try withMap(Int.self, Int.self) { fixture in
      for number in [-1, .min, .max, 0, -256] { try fixture.map.set(number, ~number) }
      try fixture.reopen()
      for number in [-1, .min, .max, 0, -256] { #expect(try fixture.map.get(number) == ~number) }
    }
  }

  @Test
  func `a map may be shared between threads (K9)`() throws {
    func check<T: Sendable>(_ type: T.Type) -> Bool { true }
    #expect(check(DurableMap<String, [UInt8]>.self))
    #expect(check(DurableMapSnapshot<String, [UInt8]>.self))
  }

  @Test
  func `the size of one large value is told (K12)`() throws {
    try withMap(String.self, [UInt8].self) { fixture in
      try fixture.map.set("k", [UInt8](repeating: 7, count: 2048))
      let metrics = try fixture.map.metrics()
      #expect(metrics.count == 1 && metrics.valueBytes == 2048 && metrics.keyBytes == 1)
      #expect(metrics.memoryBytes > 2048)
      #expect("\(fixture.map)" == "durable map map: 1 entries, 2 KiB")
    }
  }

  @Test
  func `a part of a larger text is a key (K13)`() throws {
    try withMap(String.self, Int.self) { fixture in
      try fixture.map.set("needle", 5)
      let haystack = "hay needle hay"
      let part = haystack.dropFirst(4).prefix(6)
      #expect(try fixture.map.get(part) == 5)
      #expect(try fixture.map.contains(part))
      #expect(try fixture.map.withValue(for: part) { $0.count } == 8)
      #expect(try fixture.map.unset(part))
      #expect(try fixture.map.get("needle") == nil)
    }
  }

  @Test
  func `an empty value is there after reopening (K47)`() throws {
    try withMap(String.self, [UInt8].self) { fixture in
      try fixture.map.set("k", [])
      #expect(try fixture.map.get("k") == [])
      try fixture.reopen()
      #expect(try fixture.map.get("k") == [])
      #expect(try fixture.map.contains("k"))
    }
  }

  @Test
  func `an empty key is there after reopening (K49)`() throws {
    try withMap(String.self, Int.self) { fixture in
      try fixture.map.set("", 9)
      try fixture.map.set("x", 8)
      #expect(try fixture.map.get("") == 9)
      try fixture.reopen()
      #expect(try fixture.map.get("") == 9)
      #expect(try fixture.map.unset(""))
      #expect(try fixture.map.get("") == nil && fixture.map.count == 1)
    }
  }

  @Test
  func `count, contains, keys and clear are right at once and after reopening (K91)`() throws {
    try withMap(Int.self, String.self) { fixture in
      for number in 0..<5000 { try fixture.map.set(number, "\(number)", durability: .manual) }
      for number in stride(from: 0, to: 5000, by: 2) {
        try fixture.map.unset(number, durability: .manual)
      }
      for _ in 0..<2 {
        #expect(fixture.map.count == 2500)
        #expect(try Set(fixture.map.keys()) == Set(stride(from: 1, to: 5000, by: 2)))
        #expect(try fixture.map.contains(77) && !fixture.map.contains(78))
        try fixture.reopen()
      }
      try fixture.map.clear()
      for _ in 0..<2 {
        #expect(fixture.map.isEmpty)
        #expect(try fixture.map.keys().isEmpty && fixture.map.get(77) == nil)
        try fixture.reopen()
      }
      try fixture.map.set(1, "again")
      #expect(try fixture.map.get(1) == "again")
    }
  }

  @Test
  func `set and delete tell whether there was a value, or which (K92)`() throws {
    try withMap(String.self, Int.self) { fixture in
      let map = fixture.map
      let existed = try map.set("k", 1)
      #expect(!existed)
      #expect(try map.set("k", 2))
      #expect(try map.exchange("k", 3) == 2)
      #expect(try map.exchange("l", 4) == nil)
      #expect(try map.remove("k") == 3)
      #expect(try map.remove("k") == nil)
      #expect(try map.unset("l"))
      #expect(try !map.unset("l"))
    }
  }

  @Test
  func `several keys are looked for at once (K2)`() throws {
    try withMap(Int.self, String.self) { fixture in
      for number in stride(from: 0, to: 100, by: 2) { try fixture.map.set(number, "\(number)") }
      var found: [Int] = []
      try fixture.map.withValues(for: 0..<100) { position, bytes in
        #expect(bytes?.count == (position % 2 == 0 ? "\(position)".utf8.count : nil))
        found.append(position)
      }
      #expect(found == Array(0..<100))
    }
  }

  @Test
  func `a closed map refuses everything, and can be closed again (K71)`() throws {
    try withStore { store in
      let map = try DurableMap<String, Int>(named: "map", in: store.database)
      try map.set("k", 1)
      let view = try map.snapshot()
      map.close()
      map.close()
      let closed = DurableMapError.closed(map: "map")
      #expect(throws: closed) { try map.get("k") }
      #expect(throws: closed) { try map.set("k", 2) }
      #expect(throws: closed) { try map.unset("k") }
      #expect(throws: closed) { try map.withValues(for: ["k"]) { _, _ in } }
      #expect(throws: closed) { try map.clear() }
      #expect(throws: closed) { try map.snapshot() }
      #expect(throws: closed) { try map.update("k") { $0 = 2 } }
      #expect(throws: closed) { try map.flush() }
      #expect("\(map)" == "durable map map, closed")
      #expect(try view.keys() == ["k"])
      view.close()
      #expect(throws: closed) { try view.keys() }
      let again = try DurableMap<String, Int>(named: "map", in: store.database)
      #expect(try again.get("k") == 1)
    }
  }
}
