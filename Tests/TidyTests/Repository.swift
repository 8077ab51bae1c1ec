// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The files of this repository.
enum Repository {
  /// The folder that holds Package.swift.
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Folders that hold products, not sources.
  private static let skipped: Set<String> = [".build", ".git", "demo"]

  /// Paths of all files relative to the root, sorted.
  static let files: [String] = {
    let walker = FileManager.default.enumerator(
      at: root, includingPropertiesForKeys: [.isRegularFileKey])
    var files: [String] = []
    while let url = walker?.nextObject() as? URL {
      let name = url.lastPathComponent
      if skipped.contains(name) || name.hasPrefix(".build-") || name.hasPrefix(".bench-") {
        walker?.skipDescendants()
      } else if (try? url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true {
        files.append(String(url.path.dropFirst(root.path.count)).trimmingPrefix("/").description)
      }
    }
    return files.sorted()
  }()

  /// Paths of the files with that extension.
  static func files(withExtension name: String) -> [String] {
    files.filter { $0.hasSuffix("." + name) }
  }

  /// The text of a file.
  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// Whether anything is at the path.
  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }
}
