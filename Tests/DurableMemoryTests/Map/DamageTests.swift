// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Damage to what is on the disk: cut, zeroed, and with single bits turned over.
///
/// RECORD_STORE_MAP_FLIPS is how many places of each store are tried.
struct MapDamageTests {
  static let flips = TestEnvironment.count("RECORD_STORE_MAP_FLIPS", quick: 400)

  /// A store with a map: what it was at the last checkpoint, and after each of some sets.
  struct Subject<Key: DurableCodable> {
    var images: [DiskImage] = []
    var states: [[[UInt8]: [UInt8]]] = []
    let key: @Sendable (Int) -> Key

    init(_ key: @escaping @Sendable (Int) -> Key) throws {
      self.key = key
      let disk = SimulatedDisk()
      let store = try TestStore(on: disk)
      let map = try DurableMap<Key, String>(named: "map", in: store.database)
      for number in 0..<40 { try map.set(key(number), "before \(number)") }
      try store.database.checkpoint()
      for number in 0..<7 {
        images.append(disk.image)
        states.append(try map.contents())
        try map.set(key(number), "logged \(number)")
      }
      images.append(disk.image)
      states.append(try map.contents())
      map.close()
      try store.checkTwiceAndClose()
    }

    /// Places at which two images differ.
    func differences(_ first: Int, _ second: Int) -> [UInt64] {
      let (old, new) = (images[first], images[second])
      var places: [UInt64] = []
      for start in stride(from: 0, to: min(old.length, new.length), by: 4096) {
        let (was, isNow) = (old.bytes(4096, at: start), new.bytes(4096, at: start))
        guard was != isNow else { continue }
        for index in 0..<4096 where was[index] != isNow[index] {
          places.append(start + UInt64(index))
        }
      }
      return places
    }

    /// What a damaged image opens as; `nil` when the damage is reported.
    func open(_ image: DiskImage, writes: Bool = false) throws -> [[UInt8]: [UInt8]]? {
      do {
        let store = try TestStore(opening: SimulatedDisk(image))
        let map = try DurableMap<Key, String>(named: "map", in: store.database)
        let state = try map.contents()
        guard writes else { return state }
        for number in 100..<110 { try map.set(key(number), "after") }
        let after = try map.contents()
        map.close()
        try store.reopen()
        let again = try DurableMap<Key, String>(named: "map", in: store.database)
        guard try again.contents() == after, after.count == state.count + 10 else {
          throw TestFailure("what was written after the cut is not all there")
        }
        again.close()
        try store.checkTwiceAndClose()
        return state
      } catch EngineError.corrupt, EngineError.poisoned, EngineError.notAStore {
        return nil
      } catch DurableMapError.engine(.corrupt), DurableMapError.engine(.poisoned) {
        return nil
      }
    }
  }

  private func checkCuts<Key: DurableCodable>(_ subject: Subject<Key>) throws {
    let last = subject.images.count - 1
    let places = subject.differences(last - 1, last)
    #expect(places.count > 20)
    for place in places {
      var image = subject.images[last]
      for other in places where other >= place {
        image.write(subject.images[last - 1].bytes(1, at: other)[...], at: other)
      }
      let state = try subject.open(image, writes: true)
      guard state == subject.states[last - 1] else { throw TestFailure("cut at \(place)") }
    }
    #expect(try subject.open(subject.images[last]) == subject.states[last])
  }

  @Test
  func
    `a log cut at any byte of its last record opens with all before it, and takes more (K54, K55)`()
    throws
  {
    try checkCuts(Subject { "key \($0)" })
    try checkCuts(Subject { $0 })
  }

  private func checkHoles<Key: DurableCodable>(_ subject: Subject<Key>) throws {
    let last = subject.images.count - 1
    var opened = 0
    for hole in 1...last {
      var image = subject.images[last]
      // The blocks that hold the record of one set, and nothing that a later one wrote.
      for place in subject.differences(hole - 1, hole) { image.write([0], at: place) }
      guard let state = try subject.open(image) else { continue }
      // Only what looks like the end of the log may be lost in silence.
      guard hole == last, state == subject.states[last - 1] else {
        throw TestFailure("the hole in record \(hole) went unnoticed")
      }
      opened += 1
    }
    // A hole at the end is no different from an end.
    #expect(opened == 1)
    #expect(try subject.open(subject.images[last]) == subject.states[last])
  }

  @Test
  func `a hole of zeros in the log is reported, or was its end (K56, K57, K60)`() throws {
    try checkHoles(Subject { $0 })
    try checkHoles(Subject { "key \($0)" })
  }

  @Test
  func `a bit turned over anywhere in the log never gives wrong data (K58, K60)`() throws {
    let subject = try Subject { "key \($0)" }
    let last = subject.images.count - 1
    try flip(subject, subject.differences(0, last), mayLose: true)
  }

  @Test
  func `a bit turned over anywhere in the pages never gives wrong data (K59)`() throws {
    var subject = try Subject { $0 }
    let store = try TestStore(opening: SimulatedDisk(subject.images[subject.images.count - 1]))
    try store.database.close()
    subject.images.append(store.disk.image)
    subject.states.append(subject.states[subject.states.count - 1])
    let image = store.disk.image
    let used = stride(from: 0, to: image.length, by: 4096).filter { !image.isZero(4096, at: $0) }
    try flip(subject, used.flatMap { start in (0..<4096).map { start + $0 } }, mayLose: false)
  }

  private func flip<Key: DurableCodable>(
    _ subject: Subject<Key>, _ places: [UInt64], mayLose: Bool
  ) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let last = subject.images.count - 1
    let chosen =
      places.count <= Self.flips
      ? places : (0..<Self.flips).map { _ in places[random.below(places.count)] }
    var reported = 0
    for place in chosen {
      var image = subject.images[last]
      let bit = UInt8(1) << UInt8(random.below(8))
      image.write([image.bytes(1, at: place)[0] ^ bit], at: place)
      guard let state = try subject.open(image) else {
        reported += 1
        continue
      }
      let isRight = state == subject.states[last] || mayLose && state == subject.states[last - 1]
      guard isRight else {
        throw TestFailure("seed \(TestEnvironment.seed): bit \(bit) at \(place) gives wrong data")
      }
    }
    #expect(reported > 0)
  }

  @Test
  func `entries that no map writes are reported, not taken for data (K60)`() throws {
    let forged: [(key: [UInt8], value: [UInt8])] = [
      ([9, 1], [0]), ([0, 1], []), ([0, 1], [0xF0]), ([0, 1], [1, 0, 0]), ([0, 1], [2, 0]),
      ([1, 1], [0]), ([2, 1], [0]), ([0, 1], [2] + [UInt8](repeating: 255, count: 24)),
      ([0, 1], [2] + [UInt8](repeating: 0, count: 23) + [1]),
      // Numbers that cannot be counted on from.
      ([2] + [UInt8](repeating: 255, count: 8) + [0, 0, 0, 0], [0]),
      ([0, 1], [2] + [UInt8](repeating: 255, count: 8) + [UInt8](repeating: 0, count: 16)),
    ]
    for (key, value) in forged {
      try withStore { store in
        try DurableMap<[UInt8], [UInt8]>(named: "map", in: store.database).set([7], [7])
        try store.database.write { transaction in
          guard let tree = try transaction.tree(named: "memory/map/map") else { return }
          try transaction.put(value, forKey: key, in: tree)
        }
        try checkIsDamaged(store, "\(key): \(value)")
        // The store is usable, and so is the map once the entry is gone.
        try store.database.write { transaction in
          guard let tree = try transaction.tree(named: "memory/map/map") else { return }
          try transaction.delete(key, in: tree)
        }
        let map = try DurableMap<[UInt8], [UInt8]>(named: "map", in: store.database)
        #expect(try map.get([7]) == [7])
        map.close()
      }
    }
  }

  @Test
  func `entries with the same parts, and long keys that are there twice, are reported (K60)`()
    throws
  {
    let number: (Int) -> [UInt8] = { [UInt8](repeating: 0, count: 7) + [UInt8($0)] }
    let head = [2] + number(9) + number(0) + number(1)
    let long: (Int) -> [UInt8] = { [2] + number($0) + [0, 0, 0, 0, 0, 0, 4, 0] + number(0) }
    let name: (UInt8) -> [UInt8] = { [1] + [UInt8](repeating: $0, count: 16) }
    let part: (Int) -> [UInt8] = { [2] + number($0) + [0, 0, 0, 0] }
    let key = [UInt8](repeating: 3, count: 1024)
    let forged: [[(key: [UInt8], value: [UInt8])]] = [
      [([0, 1], head), ([0, 2], head), (part(9), [7])],
      [(name(5), long(8)), (name(6), long(9)), (part(8), key), (part(9), key)],
    ]
    for entries in forged {
      try withStore { store in
        try DurableMap<[UInt8], [UInt8]>(named: "map", in: store.database).set([7], [7])
        try store.database.write { transaction in
          guard let tree = try transaction.tree(named: "memory/map/map") else { return }
          for (key, value) in entries { try transaction.put(value, forKey: key, in: tree) }
        }
        do {
          _ = try DurableMap<[UInt8], [UInt8]>(named: "map", in: store.database)
          throw TestFailure("\(entries) were taken for data")
        } catch DurableMapError.damaged(let map, _) {
          #expect(map == "map")
        }
      }
    }
  }

  /// Both the map and those who read it without its types must refuse what is in the store.
  private func checkIsDamaged(_ store: TestStore, _ what: String) throws {
    do {
      _ = try DurableMap<[UInt8], [UInt8]>(named: "map", in: store.database)
      throw TestFailure("\(what) was taken for data")
    } catch DurableMapError.damaged(let map, _) {
      #expect(map == "map")
    }
    do {
      try store.database.read { view in
        for map in try StoredMap.all(in: view) { try map.visit(in: view) { _ in true } }
      }
      throw TestFailure("\(what) was shown as data")
    } catch DurableMapError.damaged(let map, _) {
      #expect(map == "map")
    }
  }

  /// Parts of an entry: where each is said to be, and its bytes.
  typealias Parts = [(index: UInt8, count: Int)]

  private func withParts(_ parts: Parts, of count: Int, _ body: (TestStore) throws -> Void) throws {
    try withStore { store in
      try DurableMap<[UInt8], [UInt8]>(named: "map", in: store.database).set([7], [7])
      try store.database.write { transaction in
        guard let tree = try transaction.tree(named: "memory/map/map") else { return }
        let number = [0, 0, 0, 0, 0, 0, 0, 9] as [UInt8]
        let length = (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
        let head = [2] + number + [UInt8](repeating: 0, count: 8) + length
        try transaction.put(head, forKey: [0, 1], in: tree)
        for part in parts {
          let value = [UInt8](repeating: part.index, count: part.count)
          try transaction.put(value, forKey: [2] + number + [0, 0, 0, part.index], in: tree)
        }
      }
      try body(store)
    }
  }

  @Test
  func `parts that are missing or cut at other places are reported by all readers (K60)`() throws {
    let damaged: [(count: Int, parts: Parts)] = [
      (1, []), (1, [(1, 1)]), (2, [(0, 1), (1, 1)]), (1, [(0, 0), (1, 1)]), (2, [(0, 1)]),
      (1, [(0, 2)]), (65_537, [(0, 65_536), (2, 1)]), (65_537, [(0, 1), (1, 65_536)]),
      (65_537, [(0, 65_537)]), (65_537, [(0, 65_536), (1, 0), (2, 1)]),
      (131_073, [(0, 65_536), (1, 65_537)]),
    ]
    for (count, parts) in damaged {
      try withParts(parts, of: count) { try checkIsDamaged($0, "\(count) bytes in \(parts)") }
    }
    try withParts([(0, 65_536), (1, 1)], of: 65_537) { store in
      let map = try DurableMap<[UInt8], [UInt8]>(named: "map", in: store.database)
      #expect(try map.get([1]) == [UInt8](repeating: 0, count: 65_536) + [1])
      map.close()
      try store.database.read { view in
        let stored = try #require(try StoredMap.all(in: view).first)
        #expect(try stored.entry(forKey: [1], in: view)?.value.count == 65_537)
      }
    }
  }

  @Test
  func `a tree that the catalog does not have is damage, and can be removed (K60, K73)`() throws {
    try withStore { store in
      let database = store.database
      try DurableMap<Int, Int>(named: "map", in: database).set(1, 1)
      let key = Array("map/map".utf8)
      let entry = try database.write { transaction -> [UInt8] in
        let tree = try #require(try transaction.tree(named: "memory/catalog"))
        defer { try? transaction.delete(key, in: tree) }
        return try #require(try transaction.value(forKey: key, in: tree))
      }
      let expected = DurableMapError.damaged(map: "map", problem: "it has no entry in the catalog")
      #expect(throws: expected) { try DurableMap<Int, Int>(named: "map", in: database) }
      #expect(throws: expected) { try DurableMap<String, Int>(named: "map", in: database) }
      // Nothing was changed by the attempts.
      try database.write { transaction in
        let tree = try #require(try transaction.tree(named: "memory/catalog"))
        #expect(try transaction.value(forKey: key, in: tree) == nil)
        try transaction.put(entry, forKey: key, in: tree)
      }
      let map = try DurableMap<Int, Int>(named: "map", in: database)
      #expect(try map.get(1) == 1)
      map.close()
      func loseEntry() throws {
        try database.write { transaction in
          let tree = try #require(try transaction.tree(named: "memory/catalog"))
          try transaction.delete(key, in: tree)
        }
      }
      try loseEntry()
      var options = DurableMapOptions()
      options.adoptsEntries = true
      try DurableMap<Int, Int>(named: "map", in: database, options: options).close()
      let adopted = try DurableMap<Int, Int>(named: "map", in: database)
      #expect(try adopted.get(1) == 1)
      adopted.close()
      try loseEntry()
      #expect(try database.removeDurableMap(named: "map"))
      #expect(try !database.removeDurableMap(named: "map"))
      let other = try DurableMap<String, Int>(named: "map", in: database)
      #expect(other.isEmpty)
      other.close()
    }
  }

  static let noEntries: [[UInt8]] = [
    [], [1], [1, 3, 65], [2, 1, 65, 1, 65], [1, 1, 255, 1, 65], [1, 1, 65, 1, 65],
  ]

  @Test(arguments: noEntries)
  func `a catalog that is none is reported (K60)`(_ entry: [UInt8]) throws {
    try withStore { store in
      try DurableMap<Int, Int>(named: "map", in: store.database).set(1, 1)
      try store.database.write { transaction in
        guard let tree = try transaction.tree(named: "memory/catalog") else { return }
        try transaction.put(entry, forKey: Array("map/map".utf8), in: tree)
      }
      let expected: DurableMapError =
        entry.first == 2
        ? .unsupportedVersion(map: "map", found: 2, supported: 1)
        : .damaged(map: "map", problem: "its entry in the catalog is none")
      #expect(throws: expected) { try DurableMap<Int, Int>(named: "map", in: store.database) }
    }
  }
}
