// SPDX-License-Identifier: Apache-2.0

/// Values by name, each name once, in the order of the deterministic encoding: shorter names
/// first, names of one length by bytes.
public struct ValueMap: Hashable, Sendable {
  /// A name and its value.
  public struct Entry: Hashable, Sendable {
    /// The name.
    public let key: String
    /// The value.
    public let value: Value

    /// Pairs a name with a value.
    public init(key: String, value: Value) {
      self.key = key
      self.value = value
    }

    /// Compares names by bytes, and values.
    public static func == (left: Entry, right: Entry) -> Bool {
      ByteOrder.equal(left.key, right.key) && left.value == right.value
    }
  }

  /// The entries in canonical order.
  public let entries: [Entry]

  /// No entries.
  public init() {
    entries = []
  }

  /// Puts entries into canonical order.
  ///
  /// - Throws: `.duplicateKey` when a name occurs twice; the offset is the slot of the entry.
  public init(_ entries: [(String, Value)]) throws(CodingError) {
    let sorted = entries.map { Entry(key: $0.0, value: $0.1) }
      .sorted { Self.precedes($0.key, $1.key) }
    for slot in sorted.indices.dropFirst()
    where ByteOrder.equal(sorted[slot - 1].key, sorted[slot].key) {
      throw CodingError(offset: slot, problem: .duplicateKey(sorted[slot].key))
    }
    self.entries = sorted
  }

  /// Takes entries that are in canonical order without duplicates.
  init(canonical entries: [Entry]) {
    self.entries = entries
  }

  /// The value of a name, or `nil`.
  public subscript(key: String) -> Value? {
    entries.first { ByteOrder.equal($0.key, key) }?.value
  }

  /// Whether the encoding of `left` sorts before that of `right`.
  static func precedes(_ left: String, _ right: String) -> Bool {
    let (one, two) = (left.utf8.count, right.utf8.count)
    return one == two ? ByteOrder.precedes(left, right) : one < two
  }
}
