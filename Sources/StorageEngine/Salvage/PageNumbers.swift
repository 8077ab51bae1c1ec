// SPDX-License-Identifier: Apache-2.0

/// A set of numbers of pages: one bit for each.
struct PageNumbers {
  private var words: [UInt64] = []

  /// Adds a number of a page that was read; false when it was there.
  mutating func insert(_ number: UInt64) -> Bool {
    let word = Int(number / 64)
    if word >= words.count {
      words += repeatElement(0, count: max(word + 1, 2 * words.count) - words.count)
    }
    let bit = UInt64(1) << (number % 64)
    defer { words[word] |= bit }
    return words[word] & bit == 0
  }
}
