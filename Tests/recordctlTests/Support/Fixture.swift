// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Data that tests read.
enum Fixture {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A file of the repository.
  static func path(_ path: String) -> String { root.appending(path: path).path }

  static let countries = path("Fixtures/countries.csv")

  /// Of the Debian packages unicode-data and iso-codes.
  static let unicodeData = "/usr/share/unicode/UnicodeData.txt"
  static let isoCodes = "/usr/share/iso-codes/json"

  static func isInstalled(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
