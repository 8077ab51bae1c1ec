// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// What `RecordStore.check` found.
public struct StoreCheck: Sendable {
  /// What was found in the pages of the file.
  public internal(set) var pages: IntegrityReport
  /// What is wrong with what the pages say; the first fault only, since others may follow from it.
  public internal(set) var contentFault: String?
  /// Trees that others keep in the file beside the records; only their pages were checked.
  public internal(set) var foreignTrees: [String] = []

  /// Every fault, each with its place.
  public var faults: [String] {
    pages.faults.map(\.description) + (contentFault.map { [$0] } ?? [])
  }

  /// Whether nothing is wrong.
  public var isIntact: Bool { pages.isIntact && contentFault == nil }
}

extension RecordStore {
  /// Checks the whole store: every page of the file; then that the journal is without gaps and its
  /// chains hold, that every operation and every record is well formed, names only transactions
  /// of the journal, and that what is counted is right.
  ///
  /// - Parameter progress: Is told how many entries of how many are checked.
  /// - Throws: What the file system fails with, and what `progress` throws; faults are returned.
  public func check(
    progress: (_ done: UInt64, _ of: UInt64) throws -> Void = { _, _ in }
  ) throws -> StoreCheck {
    var check = StoreCheck(pages: try database.check())
    guard check.isIntact else { return check }
    do {
      check.foreignTrees = try read { try $0.foreignTrees() }
      check.contentFault = try read { try contentFault(in: $0, progress) }
    } catch let error as RecordStoreError {
      check.contentFault = "\(error)"
    }
    return check
  }

  private func contentFault(
    in view: RecordSnapshot, _ progress: (UInt64, UInt64) throws -> Void
  ) throws -> String? {
    var verifier = ContentVerifier()
    var fault: String?
    try view.forEachContentEvent(of: journal, progress: progress) { event in
      if fault == nil { fault = verifier.fault(in: event) }
    }
    return fault
  }
}
