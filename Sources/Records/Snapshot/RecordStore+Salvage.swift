// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
public import StorageEngine

extension RecordStore {
  /// Copies what can be read of a damaged store into a new one.
  ///
  /// The copy writes under an origin of its own, and what it claims to have applied its records show:
  /// `RecordSalvage.records` says how that was reached. It appears at `newPath` when it is complete and
  /// durable; if anything fails, nothing is left behind. The damaged file is only read.
  ///
  /// - Parameters:
  ///   - path: The damaged store.
  ///   - newPath: Where the copy is made; nothing may be there.
  ///   - environment: Gives the copy its identity.
  ///   - configuration: How the copy is written.
  ///   - progress: Is told how many entries are copied, then how many of journal and records besides
  ///     were gone through to make the records anew; may throw to stop.
  /// - Throws: `EngineError` where nothing can be read at all, and what `progress` throws.
  public static func salvage(
    from path: String, into newPath: String, environment: Environment = .system,
    configuration: Configuration = .init(), progress: (UInt64) throws -> Void = { _ in }
  ) throws -> RecordSalvage {
    try FileNames.checkAbsent(newPath)
    let suffix = try random(8, environment).map { String($0, radix: 16) }.joined()
    let partial = "\(newPath).doctoring-\(suffix)"
    let database = try Database.create(at: partial, configuration: configuration)
    do {
      let report = try Database.salvage(from: path, into: database, progress: progress)
      var salvaged = SalvagedRecords(of: path, database, report, environment)
      let records = try salvaged.restore(progress)
      try database.close()
      try checkOpening(partial)
      try FileNames.publish(partial, as: newPath)
      return RecordSalvage(report: salvaged.report, records: records)
    } catch {
      try? database.close()
      FileNames.remove(partial)
      throw error
    }
  }

  /// A copy that cannot be opened helps nobody.
  private static func checkOpening(_ path: String) throws {
    var configuration = Configuration()
    configuration.isReadOnly = true
    try Database.open(at: path, configuration: configuration).close()
  }
}

/// What became of a damaged store of records.
public struct RecordSalvage: Sendable {
  /// How the records of the copy came there.
  public enum Records: String, Sendable {
    /// As they were found: nothing was lost.
    case copied
    /// Made anew from the journal, which is whole: none is missing, and the copy is a replica of the
    /// old store as one that was restored from a snapshot is. What was put aside has to be sent again.
    case replayed
    /// Those that were found, written anew: part of the journal is lost, so that the copy is a data
    /// set of its own.
    case collected
    /// There are none: the file was no store of records, or it cannot be told any more which of its
    /// trees held them.
    case none
  }

  /// What was copied of the file, and what was lost of it.
  public let report: SalvageReport
  /// How the records of the copy came there.
  public let records: Records

  /// Whether nothing is missing in the copy.
  public var isComplete: Bool {
    if report.isComplete { return true }
    return records == .replayed
      && report.losses.allSatisfy { $0.tree.map { !StoreTree.isForeign($0) } ?? false }
  }
}
