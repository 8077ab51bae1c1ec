// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

// What an import is told in text, as on a command line. Separators are found by bytes: with a
// combining mark behind it one would be another character.

extension ImportOptions {
  /// Reads `--path`: member names with slashes between them; `~1` stands for a slash in a name,
  /// `~0` for a tilde.
  public static func path(_ text: String) -> [String] {
    text.utf8.split(separator: UInt8(ascii: "/")).map { part in
      var name: [UInt8] = []
      var escape = false
      for byte in part {
        if escape {
          switch byte {
          case UInt8(ascii: "0"): name.append(UInt8(ascii: "~"))
          case UInt8(ascii: "1"): name.append(UInt8(ascii: "/"))
          default: name += [UInt8(ascii: "~"), byte]
          }
          escape = false
        } else if byte == UInt8(ascii: "~") {
          escape = true
        } else {
          name.append(byte)
        }
      }
      if escape { name.append(UInt8(ascii: "~")) }
      return String(decoding: name, as: UTF8.self)
    }
  }

  /// Reads `--delimiter`: one ASCII character that can stand between cells, or `\t` for a tab.
  ///
  /// Returns `nil` for anything else.
  public static func delimiter(_ text: String) -> UInt8? {
    let named = text == "\\t" ? "\t" : text
    guard named.utf8.count == 1, let byte = named.utf8.first else { return nil }
    let isPrintable = byte == UInt8(ascii: "\t") || (0x20..<0x7F).contains(byte)
    return isPrintable && byte != UInt8(ascii: "\"") ? byte : nil
  }

  /// Reads `--columns`: names with commas between them.
  ///
  /// Returns `nil` when one is empty or appears twice.
  public static func columns(_ text: String) -> [String]? {
    let names = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard names.allSatisfy({ !$0.isEmpty }), Set(names.map(ByteText.init)).count == names.count
    else { return nil }
    return names
  }
}
