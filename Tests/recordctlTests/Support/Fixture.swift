// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// Data that tests read.
enum Fixture {
  /// A file of the repository.
  static func path(_ path: String) -> String { SourceTree.path(path) }

  static let countries = path("Fixtures/countries.csv")

  /// Of the Debian packages unicode-data and iso-codes.
  static let unicodeData = "/usr/share/unicode/UnicodeData.txt"
  static let isoCodes = "/usr/share/iso-codes/json"

  static func isInstalled(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
