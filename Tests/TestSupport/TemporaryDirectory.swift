// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Runs `body` with the path of a new empty directory, which is removed afterwards.
///
/// It lies in `parent`, or where temporary files belong.
public func withTemporaryDirectory<Result>(
  in parent: String? = nil, _ body: (String) throws -> Result
) throws -> Result {
  let path = temporaryDirectoryPath(in: parent)
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// Runs `body` with the path of a new empty directory, which is removed afterwards.
///
/// It lies in `parent`, or where temporary files belong.
public func withTemporaryDirectory<Result>(
  in parent: String? = nil, _ body: (String) async throws -> Result
) async throws -> Result {
  let path = temporaryDirectoryPath(in: parent)
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}

private func temporaryDirectoryPath(in parent: String?) -> String {
  let name = "record-store-test-\(UUID().uuidString)"
  guard let parent else {
    return FileManager.default.temporaryDirectory.appendingPathComponent(name).path
  }
  return "\(parent)/\(name)"
}
