// SPDX-License-Identifier: Apache-2.0

internal import StorageEngine

/// The trees of a store that the journal owns.
public enum JournalTreeName: String, CaseIterable, Sendable {
  /// Applied transactions: origin (24 bytes) and sequence (8 bytes, most significant first) to
  /// canonical bytes.
  case transactions = "journal/transactions"
  /// Origins with at least one applied transaction: origin (24 bytes) to `OriginHead`.
  case origins = "journal/origins"
  /// Transactions that were received and may not be applied yet, keyed like the applied ones.
  case held = "journal/held"
}

/// The journal's trees in one store.
struct JournalTrees: Sendable {
  let transactions: TreeID
  let origins: TreeID
  let held: TreeID
}

extension Dot {
  /// The key of a transaction: sorts by origin, then sequence.
  var journalKey: [UInt8] {
    [UInt8](
      bigEndian: [origin.replica.high, origin.replica.low, origin.incarnation, sequence])
  }

  /// Reads the key of a transaction; `nil` for anything else.
  init?(journalKey key: [UInt8]) {
    guard key.count == Origin.byteCount + 8,
      let origin = Origin(bytes: key.prefix(Origin.byteCount))
    else { return nil }
    self.init(origin: origin, sequence: key[...].bigEndianWord(at: Origin.byteCount))
  }
}

/// Passes an engine's error on as one of the journal.
func engine<Result>(
  _ body: () throws(EngineError) -> Result
) throws(JournalError) -> Result {
  do {
    return try body()
  } catch {
    throw .engine(error)
  }
}

extension JournalPlace {
  /// An entry of one of the journal's trees.
  static func entry(_ key: String, in tree: JournalTreeName) -> JournalPlace {
    JournalPlace(stream: "\(tree.rawValue), entry \(key)", offset: 0)
  }

  /// Whether it is an entry of the store's own journal, and not a place in a stream.
  public var isInStore: Bool {
    JournalTreeName.allCases.contains { stream.hasPrefix("\($0.rawValue), entry ") }
  }
}
