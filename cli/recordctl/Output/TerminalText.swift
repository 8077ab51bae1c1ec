// SPDX-License-Identifier: Apache-2.0

extension String {
  /// The text as it may go to a terminal: whatever could move the cursor, change a setting or
  /// reorder the line is shown as an escape (`\n`, `\u{1B}`) instead of being obeyed.
  var terminalSafe: String {
    guard unicodeScalars.contains(where: \.isTerminalControl) else { return self }
    var safe = ""
    for scalar in unicodeScalars {
      if scalar.isTerminalControl {
        safe += scalar.escaped(asASCII: false)
      } else {
        safe.unicodeScalars.append(scalar)
      }
    }
    return safe
  }

  /// The text cut to `width` characters, an ellipsis in place of what is gone.
  func shortened(to width: Int) -> String {
    count <= width ? self : prefix(max(width - 1, 0)) + "…"
  }

  /// The text followed by spaces up to `width` characters.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(width - count, 0))
  }
}

extension Unicode.Scalar {
  /// Whether a terminal may obey the character instead of showing it: C0, DEL, C1, line and
  /// paragraph separators, and the marks that switch the direction of writing.
  fileprivate var isTerminalControl: Bool {
    switch value {
    case 0x00...0x1F, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
