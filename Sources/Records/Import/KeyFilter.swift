// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// A set of keys that never denies one it holds: a Bloom filter, each key in one word.
struct KeyFilter {
  /// Keys above which too many others would be taken for known.
  private static let capacity = 4 << 20
  private static let wordCount = 1 << 19
  private static let multiplier: UInt64 = 0xA076_1D64_78BD_642F

  private var words: [UInt64] = []
  private var count = 0

  /// Whether it has no room for more keys.
  var isFull: Bool { count >= Self.capacity }

  /// Adds a key by its hash; false when it may have been there before.
  @inline(__always)
  mutating func insert(_ hash: UInt64) -> Bool {
    if words.isEmpty { words = Array(repeating: 0, count: Self.wordCount) }
    let place = Int(truncatingIfNeeded: hash) & (Self.wordCount - 1)
    let bits: UInt64 = 1 << (hash >> 58) | 1 << (hash >> 52 & 63) | 1 << (hash >> 46 & 63)
    let old = words[place]
    words[place] = old | bits
    count += 1
    return old & bits != bits
  }

  /// The hash of a key in a collection.
  static func hash(_ bytes: Span<UInt8>, _ key: Range<Int>, collection: String) -> UInt64 {
    var hash = UInt64(key.count)
    for byte in collection.utf8 { hash = mix(hash ^ UInt64(byte)) }
    var word: UInt64 = 0
    for place in key {
      word = word << 8 | UInt64(bytes[place])
      if (place - key.lowerBound) & 7 == 7 {
        hash = mix(hash ^ word)
        word = 0
      }
    }
    return mix(hash ^ word)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    let product = (value ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: multiplier)
    return product.high ^ product.low
  }
}

/// What an import knows of the keys in the store, so that it need not look for those that cannot
/// be there.
///
/// Of a collection that had no record when the import began it knows every key, as long as nobody
/// else commits in between.
struct KnownKeys {
  private var filter = KeyFilter()
  /// The collections of which all keys are in the filter; `nil` when none can be any more.
  private var complete: Set<ByteText>? = []
  /// The state of the store that this is about.
  private var lsn: UInt64?

  /// Begins a transaction on the state `lsn`; `nil` for one that has changes already.
  mutating func begin(on lsn: UInt64?) {
    if let known = self.lsn, known != lsn || lsn == nil { complete = nil }
    if filter.isFull || lsn == nil { complete = nil }
    if complete == nil { filter = KeyFilter() }
    self.lsn = lsn
  }

  /// Ends a transaction, whose commit is `lsn`.
  mutating func end(at lsn: UInt64) {
    self.lsn = lsn
  }

  /// Takes a collection without records.
  mutating func addEmpty(_ collection: String) {
    complete?.insert(ByteText(collection))
  }

  /// Whether all keys of a collection are known.
  func isComplete(_ collection: String) -> Bool {
    complete?.contains(ByteText(collection)) ?? false
  }

  /// Adds a key; false when it may have been there before.
  @inline(__always)
  mutating func insert(_ hash: UInt64) -> Bool {
    filter.insert(hash)
  }
}
