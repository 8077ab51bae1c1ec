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
      other programs keep in the file beside the records only the pages are checked; they are named.
      """)

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try open(context)
    defer { try? store.close() }
    let progress = context.progress("check", counting: "entries")
    defer { progress.finish() }
    let report = try store.check { done, total in
      progress.update(done: done, of: total)
      try context.interruption.check()
    }
    progress.finish()
    // Damage counts, also where nobody reads the report.
    let told = Result {
      try tell(
        report.faults, pages: report.pages.pagesRead, entries: report.pages.entries,
        foreignTrees: report.foreignTrees, context)
    }
    guard report.isIntact else {
      throw Failure(
        .corrupt,
        "\(context.store) is damaged: \(report.faults[0])"
          + (report.faults.count > 1 ? ", and \(report.faults.count - 1) more faults" : ""),
        hint: Failure.restoreHint)
    }
    try told.get()
    return .success
  }

  /// Opens the store; damage that keeps it from opening is reported like that which is found later.
  private func open(_ context: Context) throws -> RecordStore {
    do {
      return try context.openToRead()
    } catch {
      let failure = Failure(describing: error)
      if failure.status == .corrupt {
        try? tell([failure.message], pages: 0, entries: 0, foreignTrees: [], context)
      }
      throw error
    }
  }

  private func tell(
    _ faults: [String], pages: UInt64, entries: UInt64, foreignTrees: [String], _ context: Context
  ) throws {
    try context.report([
      "store": .text(context.store), "intact": .bool(faults.isEmpty), "pages": .unsigned(pages),
      "entries": .unsigned(entries), "foreignTrees": .array(foreignTrees.map { .text($0) }),
      "faults": .array(faults.map { .text($0) }),
    ])
  }
}
