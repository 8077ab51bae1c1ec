// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Finds the records of an input that a later one of the same key replaces.
///
/// Only asked about a record that would change one in the store. With the first such question the
/// input is read once more from its beginning; an import of new records never pays for that.
final class RepeatedKeys: Sendable {
  private let options: ImportOptions
  private let reopen: (@Sendable () throws -> (Int) throws -> [UInt8])?
  /// For each key that is repeated the ordinal of its last record; `nil` until it was asked for.
  private let last = Mutex<[[UInt8]: UInt64]?>(nil)

  init(_ input: ImportInput, _ options: ImportOptions) {
    self.options = options
    reopen = input.reopen
  }

  /// Whether a record of the same key comes after the one with this ordinal.
  ///
  /// `key` is what `KeyName` makes.
  func isReplaced(_ key: [UInt8], ordinal: UInt64) throws -> Bool {
    guard let reopen else { return false }
    return try last.withLock { last in
      let known = try last ?? find(reopen)
      last = known
      return known[key].map { ordinal < $0 } ?? false
    }
  }

  /// Reads the input twice: for the hashes of keys that occur again, then for those keys.
  private func find(
    _ reopen: () throws -> (Int) throws -> [UInt8]
  ) throws -> [[UInt8]: UInt64] {
    var hashes: [Int] = []
    try forEachKey(reopen) { key, _ in hashes.append(key.hashValue) }
    hashes.sort()
    var repeated: Set<Int> = []
    for (one, two) in zip(hashes, hashes.dropFirst()) where one == two { repeated.insert(one) }
    guard !repeated.isEmpty else { return [:] }
    hashes = []
    var found: [[UInt8]: UInt64] = [:]
    try forEachKey(reopen) { key, ordinal in
      if repeated.contains(key.hashValue) { found[key] = ordinal }
    }
    return found
  }

  private func forEachKey(
    _ reopen: () throws -> (Int) throws -> [UInt8], _ body: ([UInt8], UInt64) -> Void
  ) throws {
    var source = try options.source(reopen())
    var batch = RecordBatch()
    var ordinal: UInt64 = 0
    var hasMore = true
    while hasMore {
      // What is wrong further on stops the import when it gets there, not now.
      hasMore = (try? source.fill(&batch, upTo: 10_000)) ?? false
      for entry in batch.entries {
        let collection = batch.collection(of: entry) ?? ""
        body(KeyName.bytes(collection: collection, batch.bytes.span, entry.key), ordinal)
        ordinal += 1
      }
      batch.removeAll()
    }
  }
}

/// A key with the collection it is in, as one sequence of bytes.
enum KeyName {
  /// The name of the collection, empty unless the record decides it, behind its length, and the key.
  static func bytes(collection: String, _ bytes: Span<UInt8>, _ key: Range<Int>) -> [UInt8] {
    let collection = collection.utf8
    // A name has no more bytes than fit into one; any byte may be in it and in the key.
    var name = [UInt8(truncatingIfNeeded: collection.count)] + Array(collection)
    name.append(bytes, key)
    return name
  }
}

extension RecordBatch {
  /// The collection that a record names; `nil` when all go to one.
  func collection(of entry: Entry) -> String? {
    guard entry.collection < .max else { return nil }
    var cursor = ItemCursor(at: Int(entry.collection), end: bytes.count)
    guard let name = try? cursor.string(ItemType.text, bytes.span) else { return nil }
    return String(decoding: bytes[name], as: UTF8.self)
  }
}
