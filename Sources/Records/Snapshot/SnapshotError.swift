// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// Everything that can be wrong with a snapshot file, besides reading and writing it.
public enum SnapshotError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Bytes are not what was written there.
  case corrupt(JournalPlace, problem: String)
  /// The bytes are no snapshot.
  case notASnapshot(JournalPlace)
  /// Written by a later format than this program knows.
  case unsupportedVersion(JournalPlace, found: UInt64, supported: UInt64)
  /// The file ends before its totals.
  case truncated(JournalPlace)
  /// The store that was to be copied is damaged: none could be restored from the snapshot.
  case unsoundStore(String)
  /// Something is at the path where a store was to be restored.
  case alreadyExists(path: String)
  /// A call to the file system failed.
  case file(path: String, problem: String)

  /// One sentence for people.
  public var description: String {
    switch self {
    case .corrupt(let place, let problem): "\(place): \(problem)"
    case .notASnapshot(let place): "\(place): this is not a snapshot"
    case .unsupportedVersion(let place, let found, let supported):
      "\(place): format version \(found) is later than the \(supported) this program knows"
    case .truncated(let place): "\(place): the snapshot ends before its totals"
    case .unsoundStore(let fault): "no snapshot was made, because the store is damaged: \(fault)"
    case .alreadyExists(let path): "\(path) exists already"
    case .file(let path, let problem): "\(path): \(problem)"
    }
  }
}

/// What a snapshot contains.
public struct SnapshotSummary: Sendable, Equatable {
  /// The data set.
  public internal(set) var storeID = StoreID(high: 0, low: 0)
  /// What is applied in it.
  public internal(set) var applied = VersionVector()
  /// Transactions in its journal.
  public internal(set) var transactions: UInt64 = 0
  /// Transactions in it that may not be applied yet.
  public internal(set) var held: UInt64 = 0
  /// Records in it.
  public internal(set) var records: UInt64 = 0
  /// Deleted records that it remembers.
  public internal(set) var tombstones: UInt64 = 0
  /// The trees of durable maps and prevalent systems in it, in the order of their bytes.
  public internal(set) var memoryTrees: [String] = []
  /// Entries of these.
  public internal(set) var memoryEntries: UInt64 = 0
  /// Bytes of the file.
  public internal(set) var bytes: UInt64 = 0
  /// Trees of the store that others keep beside the records: they are not part of the snapshot.
  ///
  /// Known to who writes it only.
  public internal(set) var leftOut: [String] = []

  /// Nothing yet.
  public init() {}
}
