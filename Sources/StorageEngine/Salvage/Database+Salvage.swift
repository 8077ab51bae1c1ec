// SPDX-License-Identifier: Apache-2.0

extension Database {
  /// Copies what can be read of a damaged store file into a new, empty store.
  ///
  /// The damaged file is only read. Trees, and so segments and indexes, keep their numbers, and
  /// record identifiers stay good. Where their names cannot be read, trees that were dropped may come
  /// back, and trees are named by their numbers. `progress` is told how many entries are copied, and
  /// may throw to stop.
  ///
  /// - Throws: `.treeExists` when there is a tree in `target`; `.notAStore` or `.corrupt` when neither a superblock nor any page is intact, and what
  ///   writing the new store throws.
  public static func salvage(
    from path: String, into target: Database, progress: (UInt64) throws -> Void = { _ in }
  ) throws -> SalvageReport {
    let storage = try FileStorage.open(at: path, readOnly: true)
    defer { storage.close() }
    return try salvage(from: storage, into: target, progress: progress)
  }

  /// The same from any storage.
  public static func salvage(
    from storage: any Storage, into target: Database, progress: (UInt64) throws -> Void = { _ in }
  ) throws -> SalvageReport {
    if let tree = try target.write({ $0.treeSet.names.keys.min() }) {
      throw EngineError.treeExists(tree.text)
    }
    return try withoutActuallyEscaping(progress) { progress in
      var salvage = try Salvage(storage, into: target, progress)
      try salvage.run()
      return salvage.report
    }
  }
}
