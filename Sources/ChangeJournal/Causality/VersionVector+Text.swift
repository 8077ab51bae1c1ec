// SPDX-License-Identifier: Apache-2.0

extension VersionVector: LosslessStringConvertible {
  /// The written position: `<origin>:<sequence>` for each origin in order, joined by commas.
  ///
  /// Empty text for an empty vector.
  public var description: String {
    entries.map { "\($0.origin):\($0.sequence)" }.joined(separator: ",")
  }

  /// Reads a written position.
  ///
  /// Returns `nil` unless it is exactly what `description` writes (ordered origins, no zeros, no
  /// leading zeros) and names at most `JournalLimits.vectorEntries` origins.
  public init?(_ description: String) {
    self.init()
    guard !description.isEmpty else { return }
    guard description.utf8.count <= JournalLimits.vectorEntries * 71 else { return nil }
    var previous: Origin?
    var ordered: [Entry] = []
    for text in description.split(separator: ",", omittingEmptySubsequences: false) {
      guard ordered.count < JournalLimits.vectorEntries, let entry = Entry(parsing: text) else {
        return nil
      }
      if let previous, entry.origin <= previous { return nil }
      previous = entry.origin
      ordered.append(entry)
    }
    self.init(ordered: ordered)
  }
}

extension VersionVector.Entry {
  /// Reads `<origin>:<sequence>`.
  fileprivate init?(parsing text: Substring) {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
      let origin = Origin(parsing: text[..<colon]),
      let sequence = Self.sequence(parsing: text[colon...].utf8.dropFirst())
    else { return nil }
    self.init(origin: origin, sequence: sequence)
  }

  /// Reads a sequence number without leading zeros.
  private static func sequence(parsing digits: Substring.UTF8View.SubSequence) -> UInt64? {
    guard let first = digits.first, first != UInt8(ascii: "0"), digits.count <= 19 else {
      return nil
    }
    var number: UInt64 = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      number = number * 10 + UInt64(digit - UInt8(ascii: "0"))
    }
    return number <= JournalLimits.sequence ? number : nil
  }
}
