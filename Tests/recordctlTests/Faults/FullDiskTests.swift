// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A disk that fills up: exit code 14, and whatever was acknowledged is there.
@Suite struct FullDiskTests {
  @Test func `an import into a full file system keeps what it acknowledged`() async throws {
    try await Workspace.with { workspace in
      guard try await workspace.mountSmallDisk("disk", megabytes: 12) else { return }
      do {
        try await Self.fillUp(workspace, store: "disk/a.store") { arguments in
          try workspace.start(arguments)
        }
        try await workspace.unmount("disk")
      } catch {
        try await workspace.unmount("disk")
        throw error
      }
    }
  }

  @Test func `an import beyond the largest allowed file keeps what it acknowledged`() async throws {
    try await Workspace.with { workspace in
      try await Self.fillUp(workspace, store: "a.store") { arguments in
        try RunningTool(
          "/bin/bash", ["-c", "ulimit -f 8192; exec \"$0\" \"$@\"", Tool.path] + arguments,
          in: workspace.folder)
      }
    }
  }

  /// Imports more than there is room for, with `start`.
  private static func fillUp(
    _ workspace: Workspace, store: String, start: ([String]) throws -> RunningTool
  ) async throws {
    try await workspace.succeed("init", "--store", store)
    try workspace.writeRows(200_000, to: "rows.jsonl")
    let outcome = try await start([
      "import", "rows.jsonl", "--collection", "a", "--batch", "1000", "--progress", "always",
      "--store", store,
    ]).outcome()
    #expect(outcome.status == 14, "\(outcome.errors.suffix(300))")
    let numbers = outcome.errors.matches(of: /import: ([0-9]+) records\n/).map { Int($0.1) ?? 0 }
    let acknowledged = numbers.last ?? 0
    let rows = try workspace.text(of: "rows.jsonl").split(separator: "\n")
    let kept = try await workspace.succeed("export", "a", "--store", store).lines
    #expect(kept.count >= acknowledged && kept.count % 1000 == 0, "\(kept.count) \(acknowledged)")
    #expect(acknowledged > 0)
    #expect(kept == rows[..<kept.count].map(String.init))
    try await workspace.succeed("check", "--store", store)
  }
}

extension Workspace {
  /// Mounts a small disk in memory; false where the system does not allow that.
  fileprivate func mountSmallDisk(_ name: String, megabytes: Int) async throws -> Bool {
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    let mount = try RunningTool(
      "/usr/bin/env", ["mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path(name)],
      in: folder)
    return try await mount.outcome().status == 0
  }

  fileprivate func unmount(_ name: String) async throws {
    _ = try await RunningTool("/usr/bin/env", ["umount", path(name)], in: folder).outcome()
  }
}
