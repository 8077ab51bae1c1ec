// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
public import StorageEngine

extension RecordStore {
  /// Copies what can be read of a damaged store into a new one.
  ///
  /// The copy writes under an origin of its own. Where something was lost it is a data set of its own
  /// too: it claims transactions whose records it may not have, so no replica of the old one may take
  /// it for one of theirs. It appears at `newPath` when it is complete and durable; if anything fails,
  /// nothing is left behind. The damaged file is only read.
  ///
  /// - Parameters:
  ///   - path: The damaged store.
  ///   - newPath: Where the copy is made; nothing may be there.
  ///   - environment: Gives the copy its identity.
  ///   - configuration: How the copy is written.
  ///   - progress: Is told how many entries are copied; may throw to stop.
  /// - Throws: `EngineError` where nothing can be read at all, and what `progress` throws.
  public static func salvage(
    from path: String, into newPath: String, environment: Environment = .system,
    configuration: Configuration = .init(), progress: (UInt64) throws -> Void = { _ in }
  ) throws -> SalvageReport {
    try FileNames.checkAbsent(newPath)
    let suffix = try random(8, environment).map { String($0, radix: 16) }.joined()
    let partial = "\(newPath).doctoring-\(suffix)"
    let database = try Database.create(at: partial, configuration: configuration)
    do {
      let report = try Database.salvage(from: path, into: database, progress: progress)
      try database.write {
        try giveIdentity(in: $0, environment, isComplete: report.isComplete)
      }
      try database.close()
      try FileNames.publish(partial, as: newPath)
      return report
    } catch {
      try? database.close()
      FileNames.remove(partial)
      throw error
    }
  }

  /// Gives a copy that is a store of records an identity of its own.
  private static func giveIdentity(
    in transaction: WriteTransaction, _ environment: Environment, isComplete: Bool
  ) throws {
    guard (try? Journal.open(in: transaction)) != nil else { return }
    let meta =
      try transaction.tree(named: StoreTree.meta) ?? transaction.createTree(named: StoreTree.meta)
    let known = try? MetaTree.open(transaction).storeID()
    let storeBytes =
      if isComplete, let known { known.bytes } else {
        try random(StoreID.byteCount, environment)
      }
    let originBytes = try random(Origin.byteCount, environment)
    try MetaTree.put(.format, in: meta, of: transaction) { cbor in
      cbor.write(unsigned: recordFormatVersion)
    }
    try MetaTree.put(.store, in: meta, of: transaction) { $0.write(bytes: storeBytes) }
    try MetaTree.put(.origin, in: meta, of: transaction) { $0.write(bytes: originBytes) }
  }
}
