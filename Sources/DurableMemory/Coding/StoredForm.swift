// SPDX-License-Identifier: Apache-2.0

/// How the entries of a map lie in its tree; docs/DURABLE-MAP.md has the same as a table.
enum StoredForm {
  /// The first byte of a key in the tree: what follows it.
  enum Mark {
    /// The key itself.
    static let plain: UInt8 = 0
    /// The name of a key that is too long to be one of the tree.
    static let long: UInt8 = 1
    /// Number of an entry, most significant byte first, and of one of its parts.
    static let part: UInt8 = 2
  }

  /// Bytes of a key that is stored as itself.
  static let longestPlainKey = 1023
  /// Bytes of a value with its flags that is stored in one piece, and of a part.
  static let longestPiece = 65_536
  /// Bytes of a key and of a value.
  static let longestKey = 1 << 24
  static let longestValue = 1 << 28
}

/// The first byte of a stored value.
struct StoredFlags: OptionSet {
  let rawValue: UInt8

  /// Eight bytes follow: when it expires, in milliseconds since 1970, most significant byte first.
  static let expires = StoredFlags(rawValue: 1)
  /// Key or value are stored in parts.
  static let inParts = StoredFlags(rawValue: 2)
  static let known: StoredFlags = [.expires, .inParts]

  @inline(__always)
  init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// The flags of a stored value; `nil` for bytes that are none.
  init?(of value: Span<UInt8>) {
    guard value.count > 0 else { return nil }
    rawValue = value[0]
    guard isSubset(of: .known), value.count >= prefixBytes else { return nil }
  }

  @inline(__always)
  var isPlain: Bool { rawValue == 0 }

  /// Bytes ahead of the value itself.
  @inline(__always)
  var prefixBytes: Int { contains(.expires) ? 9 : 1 }
}

/// What names the parts of an entry, and its head where the key is too long to do so.
struct PartsName: BitwiseCopyable, Equatable {
  static let byteCount = 24

  /// Never that of another entry of the map.
  var number: UInt64
  /// Names the head of an entry with a long key.
  var longKey = LongKeyName.none
}
