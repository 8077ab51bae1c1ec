// SPDX-License-Identifier: Apache-2.0

/// Ranges of keys as one set, in order and apart, so that it is soon known whether a key is in it.
struct KeyRanges {
  private var ranges: [KeyRange] = []

  init(_ ranges: [KeyRange]) {
    for range in ranges.sorted(by: Self.beginsBefore) where !range.isEmpty {
      if let last = self.ranges.last, last.touches(range) {
        self.ranges[self.ranges.count - 1].extend(to: range.upper)
      } else {
        self.ranges.append(range)
      }
    }
  }

  private static func beginsBefore(_ left: KeyRange, _ right: KeyRange) -> Bool {
    guard let second = right.lower else { return false }
    return left.lower?.lexicographicallyPrecedes(second) ?? true
  }

  /// Whether a key lies in one of them.
  func contains(_ key: [UInt8]) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) >> 1
      if let lower = ranges[middle].lower, key.lexicographicallyPrecedes(lower) {
        high = middle
      } else {
        low = middle + 1
      }
    }
    return low > 0 && ranges[low - 1].contains(key)
  }
}

extension KeyRange {
  /// Whether a key lies in the range.
  func contains(_ key: [UInt8]) -> Bool {
    if let lower, key.lexicographicallyPrecedes(lower) { return false }
    if let upper, !key.lexicographicallyPrecedes(upper) { return false }
    return true
  }

  /// Whether no key can lie in it.
  fileprivate var isEmpty: Bool {
    guard let upper else { return false }
    return !(lower ?? []).lexicographicallyPrecedes(upper)
  }

  /// Whether nothing lies between it and one that begins later.
  fileprivate func touches(_ later: KeyRange) -> Bool {
    guard let upper, let lower = later.lower else { return true }
    return !upper.lexicographicallyPrecedes(lower)
  }

  fileprivate mutating func extend(to end: [UInt8]?) {
    guard let upper, let end else { return self.upper = nil }
    if upper.lexicographicallyPrecedes(end) { self.upper = end }
  }
}
