// SPDX-License-Identifier: Apache-2.0

/// Going through the entries of a table.
extension SlotTable {
  /// Calls `body` with each entry and its part of a hash.
  func forEach(_ body: (Entry, SlotHash) -> Void) {
    for index in 0..<capacity {
      let word = self[index]
      if word.isEntry { body(word.entry, SlotHash(word: word.bits)) }
    }
  }

  /// Calls `body` with each entry until it returns false; whether it never did.
  func visit<E: Error>(_ body: (Entry) throws(E) -> Bool) throws(E) -> Bool {
    for index in 0..<capacity {
      let word = self[index]
      if word.isEntry, !(try body(word.entry)) { return false }
    }
    return true
  }
}
