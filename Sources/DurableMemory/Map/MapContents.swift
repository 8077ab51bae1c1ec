// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// Takes over what transactions of the engine change in a map.
///
/// Small entries at once; those in parts when the whole transaction was applied, because head and
/// parts come one by one. What no map writes, but someone who changes its tree by hand, is left out
/// here, and reported when the map is opened again.
final class MapContents: ResidentContents {
  let memory: MapMemory

  init(_ memory: MapMemory) {
    self.memory = memory
  }

  func lockChanges() {
    memory.lock.lock()
  }

  var isLockedHere: Bool { memory.lock.isHeldHere }

  func unlockChanges() {
    finishParts()
    memory.lock.unlock()
  }

  func apply(_ key: Span<UInt8>, _ value: Span<UInt8>?) {
    guard key.count > 0 else { return }
    switch key[0] {
    case StoredForm.Mark.plain: applyPlain(key, value)
    case StoredForm.Mark.long:
      if let value { memory.arrivals.addHead(key, value) } else { removeLong(key) }
    case StoredForm.Mark.part:
      if let value { memory.arrivals.addPart(key, value) }
    default: return
    }
  }

  private func applyPlain(_ key: Span<UInt8>, _ value: Span<UInt8>?) {
    let plainKey = key.extracting(1..<key.count)
    let hash = memory.hash(plainKey)
    let old = memory.entry(plainKey, hash)
    guard let value else {
      memory.arrivals.dropHead(key)
      return memory.remove(old, hash)
    }
    guard let flags = StoredFlags(of: value) else { return }
    if flags.contains(.inParts) {
      memory.arrivals.addHead(key, value)
      return
    }
    memory.arrivals.dropHead(key)
    memory.publish(memory.makeEntry(key: key, value: value), hash, replacing: old)
  }

  private func removeLong(_ key: Span<UInt8>) {
    memory.arrivals.dropHead(key)
    guard let name = LongKeyName(storedKey: key), let old = memory.longKeys[name] else { return }
    memory.remove(old, memory.hash(old))
  }

  private func finishParts() {
    guard !memory.arrivals.isEmpty else { return }
    for whole in memory.arrivals.takeWhole() {
      memory.publish(whole)
    }
  }
}
