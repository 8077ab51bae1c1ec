// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Records
import StorageEngine

/// `recordctl check`.
struct Check: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read every page of the store, every transaction and every record, and check them.",
    discussion: """
      Exit code 10 says that something is damaged; each fault is named with its place. Of trees that \
      other programs keep in the file beside the records, or in place of them, only the pages are \
      checked; they are named.
      """)

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store: RecordStore
    do {
      store = try context.openToRead()
    } catch RecordStoreError.notARecordStore {
      return try checkPages(context)
    } catch {
      tellDamage(error, context)
      throw error
    }
    defer { try? store.close() }
    let progress = context.progress("check", counting: "entries")
    defer { progress.finish() }
    let report = try store.check { done, total in
      progress.update(done: done, of: total)
      try context.interruption.check()
    }
    progress.finish()
    return try end(report.faults, report.pages, foreignTrees: report.foreignTrees, context)
  }

  /// Checks a store of other programs, which has no records.
  private func checkPages(_ context: Context) throws -> ExitStatus {
    let database = try context.openDatabaseToRead()
    defer { try? database.close() }
    context.log.notice("\(context.store) holds no records: only its pages are checked")
    let report = try database.check()
    return try end(
      report.faults.map(\.description), report,
      foreignTrees: try database.information().trees.map(\.name), context)
  }

  private func end(
    _ faults: [String], _ pages: IntegrityReport, foreignTrees: [String], _ context: Context
  ) throws -> ExitStatus {
    if pages.foundOneSuperblock {
      context.log.notice(
        "only one of both superblocks was intact, as a power cut can leave them; opening the store "
          + "for writing mends that")
    }
    // Damage counts, also where nobody reads the report.
    let told = Result { try tell(faults, pages, foreignTrees: foreignTrees, context) }
    guard faults.isEmpty else {
      throw Failure(
        .corrupt,
        "\(context.store) is damaged: \(faults[0])"
          + (faults.count > 1 ? ", and \(faults.count - 1) more faults" : ""),
        hint: Failure.restoreHint)
    }
    try told.get()
    return .success
  }

  /// Reports damage that keeps the store from opening like that which is found later.
  private func tellDamage(_ error: any Error, _ context: Context) {
    let failure = Failure(describing: error)
    guard failure.status == .corrupt else { return }
    try? tell([failure.message], nil, foreignTrees: [], context)
  }

  private func tell(
    _ faults: [String], _ pages: IntegrityReport?, foreignTrees: [String], _ context: Context
  ) throws {
    try context.report([
      "store": .text(context.store), "intact": .bool(faults.isEmpty),
      "pages": .unsigned(pages?.pagesRead ?? 0), "entries": .unsigned(pages?.entries ?? 0),
      "intactSuperblocks": pages.map { .unsigned($0.foundOneSuperblock ? 1 : 2) } ?? .null,
      "foreignTrees": .array(foreignTrees.map { .text($0) }),
      "faults": .array(faults.map { .text($0) }),
    ])
  }
}
