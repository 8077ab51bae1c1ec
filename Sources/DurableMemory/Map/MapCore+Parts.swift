// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// A change that is part of a batch and becomes visible with it.
struct PlannedChange {
  let memory: MapMemory
  /// The entry to publish; none for a removal.
  let entry: Entry
  /// The one it takes the place of.
  let old: FoundEntry

  func apply() {
    if entry.exists {
      memory.publish(entry, old.hash, replacing: old.entry)
    } else {
      memory.remove(old.entry, old.hash)
    }
  }

  func discard() {
    if entry.exists { memory.discard(entry) }
  }
}

/// Changes as parts of batches: several at once, and entries whose keys or values are too long for
/// one entry of the tree.
extension MapCore {
  func putInParts(
    _ key: Span<UInt8>, _ value: Span<UInt8>, _ found: FoundEntry, _ resident: ResidentTree
  ) throws(EngineError) -> UInt64 {
    var batch = ResidentBatch()
    let planned = try plan(key, value, found, &batch)
    do throws(EngineError) {
      return try database.commit(batch) { planned.apply() }
    } catch {
      planned.discard()
      throw error
    }
  }

  func deleteInParts(
    _ found: FoundEntry, _ resident: ResidentTree
  ) throws(EngineError) -> UInt64 {
    var batch = ResidentBatch()
    let planned = try planRemoval(found, &batch)
    return try database.commit(batch) { planned.apply() }
  }

  /// Adds the end of an entry to a batch.
  func planRemoval(
    _ found: FoundEntry, _ batch: inout ResidentBatch
  ) throws(EngineError) -> PlannedChange {
    let resident = try writable()
    try removeHead(found.entry, resident, &batch)
    try removeParts(found.entry, resident, &batch)
    return PlannedChange(memory: memory, entry: .none, old: found)
  }

  /// Adds a value for a key to a batch, and makes the entry for it.
  func plan(
    _ key: Span<UInt8>, _ value: Span<UInt8>, _ found: FoundEntry, _ batch: inout ResidentBatch
  ) throws(EngineError) -> PlannedChange {
    let resident = try writable()
    // An old number is not used again: nobody has to know which parts of it are left.
    if found.isInParts { try removeParts(found.entry, resident, &batch) }
    if isSmall(key, value) {
      try batch.put(key, value, in: resident)
      let entry = memory.makeEntry(key: key, value: value)
      return PlannedChange(memory: memory, entry: entry, old: found)
    }
    let longKey = found.longKeyName ?? longKeyName(of: key)
    let parted = PartedEntry(key, value, PartsName(number: numbers.take(), longKey: longKey))
    try parted.forEachStored { (key, value) throws(EngineError) in
      let (key, value) = (key.span, value.span)
      try batch.put(key, value, in: resident)
    }
    let (ownKey, ownValue) = (parted.key.span, parted.value.span)
    let entry = memory.makeEntry(key: ownKey, value: ownValue, parts: parted.name)
    return PlannedChange(memory: memory, entry: entry, old: found)
  }

  /// The name for a key that is not there yet; none for a key of the tree.
  func longKeyName(of key: Span<UInt8>) -> LongKeyName {
    let plain = key.extracting(1..<key.count)
    return plain.count > StoredForm.longestPlainKey ? secret.name(of: plain) : .none
  }

  private func removeHead(
    _ entry: Entry, _ resident: ResidentTree, _ batch: inout ResidentBatch
  ) throws(EngineError) {
    if entry.isLong {
      let head = entry.partsName.longKey.storedKey
      let key = head.span
      return try batch.delete(key, in: resident)
    }
    try entry.lendStored { (key, _) throws(EngineError) in try batch.delete(key, in: resident) }
  }

  private func removeParts(
    _ entry: Entry, _ resident: ResidentTree, _ batch: inout ResidentBatch
  ) throws(EngineError) {
    guard entry.isInParts else { return }
    for key in entry.partKeys {
      let key = key.span
      try batch.delete(key, in: resident)
    }
  }
}

extension Entry {
  /// The keys of its parts in the tree.
  var partKeys: [[UInt8]] {
    let bytes = (isLong ? plainKeyCount : 0) + plainValueCount
    let number = partsName.number
    return (0..<PartsHead.partCount(bytes)).map { PartsHead.partKey(number, $0) }
  }
}

/// An entry that is to be stored in parts.
struct PartedEntry {
  /// Key and value as they are in memory.
  let key: [UInt8]
  let value: [UInt8]
  let name: PartsName

  /// Takes an entry as it would be stored in one piece.
  init(_ key: Span<UInt8>, _ value: Span<UInt8>, _ name: PartsName) {
    var (key, value) = (key.array, value.array)
    if key.count - 1 > StoredForm.longestPlainKey { key[0] = StoredForm.Mark.long }
    value[0] |= StoredFlags.inParts.rawValue
    (self.key, self.value, self.name) = (key, value, name)
  }

  /// Calls `body` with the entries of the tree: the parts, then the head.
  func forEachStored<E: Error>(
    _ body: ([UInt8], [UInt8]) throws(E) -> Void
  ) throws(E) {
    let flags = StoredFlags(rawValue: value[0])
    let isLong = key[0] == StoredForm.Mark.long
    let content = (isLong ? key.dropFirst() : []) + value.dropFirst(flags.prefixBytes)
    let head = PartsHead(
      flags: flags, expiry: Array(value[1..<flags.prefixBytes]), number: name.number,
      keyCount: isLong ? key.count - 1 : 0, valueCount: value.count - flags.prefixBytes)
    for index in 0..<PartsHead.partCount(content.count) {
      let start = content.startIndex + index * StoredForm.longestPiece
      let part = content[start..<min(start + StoredForm.longestPiece, content.endIndex)]
      try body(PartsHead.partKey(name.number, index), Array(part))
    }
    // Last, so that it has all its parts however far this came.
    try body(isLong ? name.longKey.storedKey : key, head.stored)
  }
}
