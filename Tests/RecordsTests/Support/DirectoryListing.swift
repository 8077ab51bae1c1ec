// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What is in a directory.
enum DirectoryListing {
  static func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }
}
