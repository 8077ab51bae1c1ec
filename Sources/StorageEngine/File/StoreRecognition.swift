// SPDX-License-Identifier: Apache-2.0

extension Database {
  /// How much of a file `isStore(beginning:)` looks at, in bytes.
  public static let recognitionBytes = 8192

  /// Whether a file that begins with these bytes is, or was, a store: one superblock says so.
  ///
  /// For those who are about to replace a file; opening is what finds out whether a store is whole.
  public static func isStore(beginning bytes: [UInt8]) -> Bool {
    [0, recognitionBytes / 2].contains { start in
      bytes.dropFirst(start + Superblock.Field.magic).starts(with: Superblock.magic)
    }
  }
}
