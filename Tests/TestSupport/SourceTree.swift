// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The files of this package.
public enum SourceTree {
  /// The folder that holds Package.swift.
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Where a file is.
  public static func path(_ path: String) -> String { root.appending(path: path).path }

  /// Reads a file as bytes.
  public static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: root.appending(path: path)))
  }

  /// Reads a file as text.
  public static func text(_ path: String) throws -> String {
    String(decoding: try bytes(path), as: UTF8.self)
  }
}
