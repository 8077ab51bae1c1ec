// SPDX-License-Identifier: Apache-2.0

// Identifiers and hashes are made of 64-bit words, most significant byte first. They are written
// and read many times for each transaction, so no intermediate arrays are made for them.

extension Array<UInt8> {
  /// Appends a word, most significant byte first.
  mutating func append(bigEndian word: UInt64) {
    append(addingCapacity: 8) { (output: inout OutputSpan<UInt8>) in
      var shift: UInt64 = 64
      while shift > 0 {
        shift -= 8
        output.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
  }

  /// The bytes of words, most significant byte first.
  init(bigEndian words: some Collection<UInt64>) {
    self = []
    reserveCapacity(words.count * 8)
    for word in words { append(bigEndian: word) }
  }
}

extension ArraySlice<UInt8> {
  /// The word that begins `offset` bytes behind the beginning.
  func bigEndianWord(at offset: Int) -> UInt64 {
    var word: UInt64 = 0
    for index in startIndex + offset..<startIndex + offset + 8 {
      word = word << 8 | UInt64(self[index])
    }
    return word
  }
}
