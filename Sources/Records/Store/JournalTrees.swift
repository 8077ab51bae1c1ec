// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// The journal inside the store.
struct JournalTrees {
  let reader: any TreeReader
  let entries: TreeID
  let heads: TreeID

  static func create(in transaction: WriteTransaction) throws(EngineError) {
    _ = try transaction.createTree(named: "journal")
    _ = try transaction.createTree(named: "journal/heads")
  }

  init(_ reader: any TreeReader) throws {
    guard let entries = try reader.tree(named: "journal"),
      let heads = try reader.tree(named: "journal/heads")
    else { throw RecordStoreError.corruptStore(place: "journal", problem: "it is missing") }
    self.reader = reader
    self.entries = entries
    self.heads = heads
  }

  static func key(_ dot: Dot) -> [UInt8] {
    var key = dot.origin.bytes
    key.appendBigEndian(dot.sequence, bytes: 8)
    return key
  }

  func chainHeads() throws -> [ChainHead] {
    var result: [ChainHead] = []
    let cursor = try reader.cursor(in: heads)
    while try cursor.next() {
      guard let origin = Origin(bytes: cursor.key) else { continue }
      var cbor = CBORReader(try cursor.value())
      let sequence = try cbor.readUnsigned()
      let stamp = HybridTimestamp(rawValue: try cbor.readUnsigned())
      guard let hash = Hash256(bytes: try cbor.readByteSlice()) else { continue }
      result.append(
        ChainHead(
          dot: Dot(origin: origin, sequence: sequence), hash: hash, timestamp: stamp))
    }
    return result
  }

  func transaction(_ dot: Dot) throws -> EncodedTransaction? {
    guard let bytes = try reader.value(forKey: Self.key(dot), in: entries) else { return nil }
    return try EncodedTransaction(decoding: bytes)
  }

  func append(_ entry: EncodedTransaction, in transaction: WriteTransaction) throws {
    try transaction.put(entry.bytes, forKey: Self.key(entry.dot), in: entries)
    var cbor = CBORWriter()
    cbor.write(unsigned: entry.header.sequence)
    cbor.write(unsigned: entry.header.timestamp.rawValue)
    cbor.write(bytes: entry.hash.bytes)
    try transaction.put(cbor.take(), forKey: entry.header.origin.bytes, in: heads)
  }
}
