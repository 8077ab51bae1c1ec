// SPDX-License-Identifier: Apache-2.0

import Foundation
import Peers
import Workloads

/// Commits records one at a time and durably, for `count-flushes.sh` to look at the system calls.
@main
enum FlushCount {
  private static let kinds =
    [("storage-engine", StorageEngineKind() as any MeasuredEngineKind)]
    + PeerKinds.named.map { ($0.name, $0.kind) }

  static func main() throws {
    let arguments = CommandLine.arguments
    if arguments.count == 2, arguments[1] == "list" {
      for (name, _) in kinds { print(name) }
      return
    }
    guard arguments.count == 4, let commits = Int(arguments[3]), commits > 0,
      let kind = kinds.first(where: { $0.0 == arguments[1] })?.1
    else {
      FileHandle.standardError.write(Data("usage: flush-count list|ENGINE FOLDER COMMITS\n".utf8))
      exit(64)
    }
    try run(kind, in: arguments[2], commits: commits)
  }

  /// Opening and closing flush as well: the marks tell what lies between.
  private static func run(_ kind: any MeasuredEngineKind, in folder: String, commits: Int) throws {
    let table = RecordTable(0..<UInt64(commits) + 1)
    let engine = try kind.open(in: folder, cacheBytes: 64 << 20)
    // What only the first commit does, such as making a log.
    try engine.put(table, [Int32(commits)], flushed: true)
    let positions = (0..<Int32(commits)).map(\.self)
    mark("commits-begin")
    for index in positions.indices {
      try engine.put(table, positions[index...index], flushed: true)
    }
    mark("commits-end")
    try engine.close()
    print(kind.name)
  }

  /// A system call that does nothing but show in the trace.
  private static func mark(_ name: String) {
    _ = access("/flush-count/" + name, F_OK)
  }
}
