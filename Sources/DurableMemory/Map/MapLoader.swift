// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// Fills the memory of a map from its tree.
struct MapLoader {
  private let memory: MapMemory
  private var parts = PartsAssembly()
  private var problem: String?
  /// The highest number of parts.
  private(set) var highestNumber: UInt64 = 0
  /// Keys of parts that belong to no entry.
  private(set) var orphans: [[UInt8]] = []

  init(_ memory: MapMemory) {
    self.memory = memory
  }

  /// Reads every entry; under the lock of the map.
  mutating func load(_ view: Snapshot, _ tree: TreeID, map: String) throws(DurableMapError) {
    do throws(EngineError) {
      try view.visit(tree) { key, value in
        take(key, value)
        return problem == nil
      }
    } catch {
      throw .engine(error)
    }
    if parts.lacksParts { problem = problem ?? "an entry lacks a part" }
    if let problem { throw .damaged(map: map, problem: problem) }
  }

  private mutating func take(_ key: Span<UInt8>, _ value: Span<UInt8>) {
    switch key.count > 0 ? key[0] : .max {
    case StoredForm.Mark.plain: takePlain(key, value)
    case StoredForm.Mark.long: takeHead(key, value)
    case StoredForm.Mark.part: takePart(key, value)
    default: problem = "an unknown key"
    }
  }

  private mutating func takePlain(_ key: Span<UInt8>, _ value: Span<UInt8>) {
    guard let flags = StoredFlags(of: value) else {
      problem = "an unknown value"
      return
    }
    if flags.contains(.inParts) { return takeHead(key, value) }
    let entry = memory.makeEntry(key: key, value: value)
    memory.publish(entry, memory.hash(entry), replacing: .none)
  }

  private mutating func takeHead(_ key: Span<UInt8>, _ value: Span<UInt8>) {
    guard let head = PartsHead(stored: value), head.isOf(key) else {
      problem = "an unknown value"
      return
    }
    // Those that are waited for come later than all heads.
    if parts.isExpected(head.number) { problem = "two entries have the same parts" }
    parts.addHead(key, value)
    note(head.number)
    finish(head.number)
  }

  private mutating func takePart(_ key: Span<UInt8>, _ value: Span<UInt8>) {
    guard let number = PartsHead.number(partKey: key) else {
      problem = "an unknown part"
      return
    }
    note(number)
    guard parts.isExpected(number) else { return orphans.append(key.array) }
    if !parts.addPart(key, value) { problem = "a part is missing, or has another length" }
    finish(number)
  }

  private mutating func note(_ number: UInt64) {
    if number >= PartNumbers.limit { problem = "parts have a number that no map counts to" }
    highestNumber = max(highestNumber, number)
  }

  private mutating func finish(_ number: UInt64) {
    guard let whole = parts.take(number) else { return }
    // Under any name: where an entry of the catalog was lost and made anew, it is not what it would be.
    if whole.key.first == StoredForm.Mark.long {
      let key = whole.key.span
      let plain = key.extracting(1..<key.count)
      if memory.entry(plain, memory.hash(plain)).exists { problem = "a long key is there twice" }
    }
    memory.publish(whole)
  }
}
