// SPDX-License-Identifier: Apache-2.0

/// A SHA-256 digest.
public struct Hash256: Hashable, Sendable, BitwiseCopyable {
  /// The digest as four big-endian words.
  let words: (UInt64, UInt64, UInt64, UInt64)

  /// Thirty-two zero bytes: what stands before the first transaction of an origin.
  public static let zero = Hash256(words: (0, 0, 0, 0))

  init(words: (UInt64, UInt64, UInt64, UInt64)) {
    self.words = words
  }

  /// How many bytes a digest has.
  public static var byteCount: Int { 32 }

  /// Takes exactly thirty-two bytes; `nil` for any other number of them.
  public init?(bytes: some Collection<UInt8>) {
    let bytes = ArraySlice(bytes)
    guard bytes.count == Self.byteCount else { return nil }
    self.init(
      words: (
        bytes.bigEndianWord(at: 0), bytes.bigEndianWord(at: 8), bytes.bigEndianWord(at: 16),
        bytes.bigEndianWord(at: 24)
      ))
  }

  /// The thirty-two bytes.
  public var bytes: [UInt8] {
    [UInt8](bigEndian: [words.0, words.1, words.2, words.3])
  }

  /// Compares all four words.
  public static func == (left: Hash256, right: Hash256) -> Bool {
    left.words == right.words
  }

  /// Feeds all four words.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

extension Hash256: LosslessStringConvertible {
  /// Sixty-four lowercase hexadecimal digits.
  public var description: String { Hexadecimal.text(bytes) }

  /// Reads sixty-four lowercase hexadecimal digits; `nil` for anything else.
  public init?(_ description: String) {
    var rest = description[...].utf8
    guard rest.count == 64 else { return nil }
    var words: [UInt64] = []
    for _ in 0..<4 {
      guard let word = Hexadecimal.number(Substring(rest.prefix(16)).utf8) else { return nil }
      words.append(word)
      rest = rest.dropFirst(16)
    }
    self.init(words: (words[0], words[1], words[2], words[3]))
  }
}

extension Hash256 {
  /// Digests bytes.
  public static func of(_ bytes: [UInt8]) -> Hash256 {
    var hasher = Hasher256()
    hasher.update(bytes[...])
    return hasher.finish()
  }

  /// Digests part of an array without copying it.
  public static func of(_ bytes: ArraySlice<UInt8>) -> Hash256 {
    var hasher = Hasher256()
    hasher.update(bytes)
    return hasher.finish()
  }
}
