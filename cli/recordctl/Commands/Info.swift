// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records
import StorageEngine

/// `recordctl info`.
struct Info: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Describe the store's file: its format, its size, its trees, what snapshots hold.",
    discussion: """
      Of a large tree some leaves are looked at, spread over it: then its bytes and its fill are \
      estimates. 'oldestReader' is the oldest state that is kept under a name, and 'snapshotPages' \
      counts the pages that are in use for such states only.
      """)

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let database = try context.openDatabaseToRead()
    defer { try? database.close() }
    let now = Environment.system.now()
    let file = try database.information()
    let usage = try database.treeUsage()
    let trees = zip(file.trees, usage).map { Item($0, $1) }
    let named = file.namedSnapshots.map { Item($0, now: now) }
    try Reporter(context.format ?? .text).report([
      "store": .text(context.store),
      "formatVersion": .integer(Int64(file.formatVersion)),
      "durableWrites": .text(file.durableWrites.rawValue),
      "fileBytes": .unsigned(file.fileBytes),
      "freeBytes": .unsigned(file.freeBytes),
      "logBytes": .unsigned(file.logBytes),
      "pageBytes": Item(file.pageBytes),
      "lsn": .unsigned(file.lsn),
      "checkpointLSN": .unsigned(file.checkpointLSN),
      "oldestReader": named.first ?? .null,
      "snapshotPages": Item(file.snapshotPages),
      "namedSnapshots": .array(named),
      "trees": .array(trees),
    ])
    return .success
  }
}

extension Item {
  fileprivate init(_ tree: DatabaseInformation.Tree, _ usage: TreeUsage) {
    self = [
      "name": .text(tree.name), "entries": .unsigned(tree.entries), "height": Item(tree.height),
      "pages": .unsigned(tree.leafPages + tree.branchPages), "bytes": .unsigned(usage.bytes),
      "fillPercent": Item(usage.fillPercent), "isEstimate": .bool(usage.isEstimate),
    ]
  }

  fileprivate init(_ snapshot: NamedSnapshot, now: UInt64) {
    let age = now > snapshot.createdAt ? now - snapshot.createdAt : 0
    self = [
      "name": .text(snapshot.name), "lsn": .unsigned(snapshot.lsn),
      "ageSeconds": .unsigned(age / 1000),
    ]
  }
}
