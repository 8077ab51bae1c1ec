// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Runs `body` with the path of a new empty directory, which is removed afterwards.
public func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = temporaryDirectoryPath()
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// Runs `body` with the path of a new empty directory, which is removed afterwards.
public func withTemporaryDirectory<Result>(
  _ body: (String) async throws -> Result
) async throws -> Result {
  let path = temporaryDirectoryPath()
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}

private func temporaryDirectoryPath() -> String {
  FileManager.default.temporaryDirectory
    .appendingPathComponent("record-store-test-\(UUID().uuidString)").path
}
