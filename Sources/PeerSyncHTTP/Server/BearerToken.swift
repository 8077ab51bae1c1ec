// SPDX-License-Identifier: Apache-2.0

/// A secret that both sides know.
///
/// Whoever presents it may read and write the store.
public struct BearerToken: Sendable, CustomStringConvertible {
  /// The fewest bytes of a token: shorter ones can be guessed.
  public static let minimumBytes = 16
  /// The most bytes of a token.
  public static let maximumBytes = 512

  private let bytes: [UInt8]

  /// Reads a token, for example the content of a file; white space around it is dropped.
  ///
  /// - Throws: `BearerTokenError` unless it is 16 to 512 visible ASCII characters.
  public init(_ text: some Collection<UInt8>) throws(BearerTokenError) {
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0d).contains($0) }
    var trimmed = Array(text.drop(while: isSpace))
    while let last = trimmed.last, isSpace(last) { trimmed.removeLast() }
    guard (Self.minimumBytes...Self.maximumBytes).contains(trimmed.count) else {
      throw .length(trimmed.count)
    }
    guard trimmed.allSatisfy({ (0x21...0x7e).contains($0) }) else { throw .character }
    bytes = trimmed
  }

  /// Never the token itself, so that no log shows it.
  public var description: String { "token of \(bytes.count) bytes" }

  /// The value of an `Authorization` header.
  var authorization: String { "Bearer " + String(decoding: bytes, as: UTF8.self) }

  /// Whether an `Authorization` header presents this token.
  ///
  /// Takes the same time wherever the first difference is.
  func matches(authorization header: String) -> Bool {
    let scheme = "bearer "
    guard header.prefix(scheme.count).lowercased() == scheme else { return false }
    let presented = Array(header.utf8.dropFirst(scheme.utf8.count))
    var difference: UInt8 = presented.count == bytes.count ? 0 : 1
    for (slot, byte) in presented.enumerated() {
      difference |= byte ^ bytes[slot % bytes.count]
    }
    return difference == 0
  }
}

/// Why a text is no token.
public enum BearerTokenError: Error, Sendable, Equatable, CustomStringConvertible {
  /// It has so many bytes, and 16 to 512 are allowed.
  case length(Int)
  /// It holds something else than visible ASCII characters.
  case character

  /// One sentence for people.
  public var description: String {
    switch self {
    case .length(let length):
      """
      the token has \(length) characters; \(BearerToken.minimumBytes) to \
      \(BearerToken.maximumBytes) are allowed
      """
    case .character: "the token holds something else than visible ASCII characters"
    }
  }
}
