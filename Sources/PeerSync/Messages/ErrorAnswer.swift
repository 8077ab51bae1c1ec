// SPDX-License-Identifier: Apache-2.0

// An error is answered as the name of its kind, a sentence for people, and sometimes the seconds to
// wait before another try.

extension SyncError {
  /// Reads what a peer answered that refuses.
  ///
  /// A kind that only a later version knows is a failure of the peer.
  public init(answer name: String, message: [UInt8], retryAfter: String?) {
    let text = Self.printable(String(decoding: message, as: UTF8.self))
    self.init(
      Code(rawValue: name) ?? .failed,
      "the peer says: \(text.isEmpty ? Self.printable(name) : text)",
      retryAfter: retryAfter.flatMap { UInt32($0) })
  }

  /// What a terminal may be shown of what a stranger wrote.
  private static func printable(_ text: String) -> String {
    let scalars = text.unicodeScalars.filter { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
        .paragraphSeparator:
        false
      default: true
      }
    }
    return String(String.UnicodeScalarView(scalars))
  }
}
