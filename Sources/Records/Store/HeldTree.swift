// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// The transactions that are here and may not be applied yet.
struct HeldTree {
  private let reader: any TreeReader
  private let tree: TreeID

  /// `nil` when nothing was ever put aside.
  init?(_ reader: any TreeReader) throws(EngineError) {
    guard let tree = try reader.tree(named: StoreTree.held) else { return nil }
    self.reader = reader
    self.tree = tree
  }

  private static func key(_ dot: Dot) -> [UInt8] {
    var key = dot.origin.bytes
    key.appendBigEndian(dot.sequence, bytes: 8)
    return key
  }

  /// The transaction of that name.
  func transaction(_ dot: Dot) throws -> EncodedTransaction? {
    guard let bytes = try reader.value(forKey: Self.key(dot), in: tree) else { return nil }
    return try decode(bytes, "\(dot)")
  }

  /// All of them, ordered by time.
  func all() throws -> [EncodedTransaction] {
    var found: [EncodedTransaction] = []
    let cursor = try reader.cursor(in: tree)
    while try cursor.next() { found.append(try decode(cursor.value(), "an entry")) }
    return found.inCausalOrder()
  }

  private func decode(_ bytes: [UInt8], _ name: String) throws -> EncodedTransaction {
    do {
      return try EncodedTransaction(decoding: bytes)
    } catch {
      throw RecordStoreError.corruptStore(place: "held, \(name)", problem: "\(error)")
    }
  }

  /// Puts a transaction aside.
  static func put(
    _ held: EncodedTransaction, in transaction: WriteTransaction
  ) throws(EngineError) {
    var tree = try transaction.tree(named: StoreTree.held)
    if tree == nil { tree = try transaction.createTree(named: StoreTree.held) }
    guard let tree else { return }
    try transaction.put(held.bytes, forKey: key(held.dot), in: tree)
  }

  /// Forgets a transaction that is applied now.
  func remove(_ dot: Dot, in transaction: WriteTransaction) throws(EngineError) {
    try transaction.delete(Self.key(dot), in: tree)
  }
}

extension EncodedTransaction {
  /// Milliseconds since 1970 from which on it is no longer too far in the future.
  func release(maxAhead: UInt64) -> UInt64 {
    let written = header.timestamp.milliseconds
    return written > maxAhead ? written - maxAhead : 0
  }
}

extension [EncodedTransaction] {
  /// Ordered by time, origin's short name, sequence: what a transaction depends on comes first,
  /// because its stamp is above all of theirs.
  func inCausalOrder() -> [EncodedTransaction] {
    let ordered = zip(indices, indices.dropFirst()).allSatisfy { one, two in
      self[one].header.timestamp < self[two].header.timestamp
    }
    if ordered { return self }
    var tags: [Origin: UInt64] = [:]
    let stamped = map { transaction -> (stamp: Stamp, transaction: EncodedTransaction) in
      let origin = transaction.header.origin
      let tag = tags[origin] ?? origin.tag
      tags[origin] = tag
      let stamp = Stamp(
        timestamp: transaction.header.timestamp.rawValue, tag: tag,
        sequence: transaction.header.sequence)
      return (stamp, transaction)
    }
    return stamped.sorted { $0.stamp < $1.stamp }.map(\.transaction)
  }
}
