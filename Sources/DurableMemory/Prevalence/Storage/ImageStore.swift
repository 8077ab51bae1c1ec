// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// The images of one system in the store.
struct ImageStore: Sendable {
  let database: Database
  let trees: PrevalentTrees
  let system: String

  /// Chunks that are written in one transaction.
  private static let chunksAtOnce: UInt32 = 8

  // MARK: Reading

  /// The headers of all images, the newest first, those that cannot be read with the reason.
  func headers(
    in view: some TreeReader
  ) throws(PrevalenceError) -> [(number: UInt64, header: Result<ImageHeader, PrevalenceError>)] {
    try PrevalenceError.wrapping { () throws(EngineError) in
      var found: [(UInt64, Result<ImageHeader, PrevalenceError>)] = []
      let cursor = try view.cursor(in: trees.images, range: .all, reversed: true)
      while try cursor.next() {
        guard let number = PrevalentKey.number(cursor.key) else { continue }
        found.append((number, Self.decode(number, try cursor.value())))
      }
      return found
    }
  }

  private static func decode(
    _ number: UInt64, _ bytes: [UInt8]
  ) -> Result<ImageHeader, PrevalenceError> {
    do {
      let format = try BinaryCodec<FormatOnly>().decode(bytes[...]).format
      guard format <= ImageHeader.supportedFormat else {
        return .failure(
          .unsupportedFormat(found: format, supported: ImageHeader.supportedFormat))
      }
      let header = try BinaryCodec<ImageHeader>().decode(bytes[...])
      guard number < .max else {
        return .failure(.damagedImage(number: number, reason: "no command has that number"))
      }
      guard header.number == number else {
        return .failure(.damagedImage(number: number, reason: "its header is another's"))
      }
      return .success(header)
    } catch {
      return .failure(.damagedImage(number: number, reason: "its header: \(error)"))
    }
  }

  /// Reads the bytes of an image.
  func read(_ header: ImageHeader, in view: some TreeReader) throws(PrevalenceError) -> [UInt8] {
    let tree = TreeID(rawValue: header.tree)
    var bytes: [UInt8] = []
    for chunk in 0..<header.chunks {
      let part: [UInt8]?
      do throws(EngineError) {
        part = try view.value(forKey: PrevalentKey.of(UInt64(chunk)), in: tree)
      } catch {
        guard case .treeNotFound = error else {
          throw .engine(error)
        }
        part = nil
      }
      guard let part else {
        throw .damagedImage(number: header.number, reason: "chunk \(chunk) is missing")
      }
      bytes.append(contentsOf: part)
    }
    guard bytes.count == header.bytes, Checksum.crc32c(of: bytes[...]) == header.checksum else {
      throw .damagedImage(
        number: header.number, reason: "its bytes are not those that were written")
    }
    return bytes
  }

  // MARK: Writing

  /// Writes an image chunk by chunk, and its header last, which makes it one; returns the header.
  func write(_ header: ImageHeader, _ bytes: [UInt8]) throws(PrevalenceError) -> ImageHeader {
    do {
      var header = header
      let tree = try database.write(durability: .manual) { try createTree(header.number, in: $0) }
      header.tree = tree.rawValue
      do {
        try writeChunks(of: header, bytes)
        try database.write(durability: .synced) { try put(header, in: $0) }
      } catch {
        // Where that fails as well, the next image tries it again.
        try? dropUnfinished()
        throw error
      }
      return header
    } catch {
      throw CommandJournal.error(error)
    }
  }

  private func writeChunks(of header: ImageHeader, _ bytes: [UInt8]) throws {
    var chunk: UInt32 = 0
    while chunk < header.chunks {
      let end = min(header.chunks, chunk + Self.chunksAtOnce)
      try database.write(durability: .manual) { transaction in
        for chunk in chunk..<end { try put(chunk, of: header, bytes, in: transaction) }
      }
      chunk = end
    }
  }

  /// Writes an image in the transaction of the caller.
  func write(
    _ header: ImageHeader, _ bytes: [UInt8], in transaction: some TreeWriting
  ) throws -> ImageHeader {
    var header = header
    header.tree = try createTree(header.number, in: transaction).rawValue
    for chunk in 0..<header.chunks { try put(chunk, of: header, bytes, in: transaction) }
    try put(header, in: transaction)
    return header
  }

  /// Makes a tree for chunks; what a damaged or unfinished image has taken stays as it is.
  private func createTree(
    _ number: UInt64, in transaction: some TreeWriting
  ) throws(EngineError) -> TreeID {
    var name = "\(PrevalentTrees.imagePrefix(system))\(number)"
    while try transaction.tree(named: name) != nil { name += "+" }
    return try transaction.createTree(named: name)
  }

  private func put(
    _ chunk: UInt32, of header: ImageHeader, _ bytes: [UInt8], in transaction: some TreeWriting
  ) throws(EngineError) {
    let start = Int(chunk) * ImageHeader.chunkBytes
    let part = bytes[start..<min(start + ImageHeader.chunkBytes, bytes.count)]
    try transaction.put(
      Array(part), forKey: PrevalentKey.of(UInt64(chunk)), in: TreeID(rawValue: header.tree))
  }

  private func put(_ header: ImageHeader, in transaction: some TreeWriting) throws {
    var encoded: [UInt8] = []
    try BinaryCodec<ImageHeader>().encode(header, into: &encoded)
    try transaction.put(encoded, forKey: PrevalentKey.of(header.number), in: trees.images)
  }

  // MARK: Removing

  /// Removes what a crash or a full disk has left of images without a header; one at a time, and
  /// while no image is being written.
  ///
  /// Where a header cannot be read, nothing is removed: it may be that of any.
  func dropUnfinished() throws(PrevalenceError) {
    do {
      let view = try database.snapshot()
      defer { view.close() }
      let named = try headers(in: view).map { try? $0.header.get().tree }
      if named.contains(nil) { return }
      for tree in try chunkTrees(in: view) where !named.contains(tree.rawValue) {
        try database.write(durability: .manual) { try dropIfPresent(tree, in: $0) }
      }
    } catch {
      throw CommandJournal.error(error)
    }
  }

  /// The trees with the chunks of images, whole or not.
  private func chunkTrees(in view: some TreeReader) throws(EngineError) -> [TreeID] {
    let prefix = PrevalentTrees.imagePrefix(system)
    return try view.trees().filter { $0.name.utf8.starts(with: prefix.utf8) }.map(\.tree)
  }

  /// Removes every image, whole or not, but those given.
  ///
  /// Each in one transaction, so that no header is without its chunks.
  func removeAll(except kept: [ImageHeader]) throws(PrevalenceError) {
    let numbers = Set(kept.map(\.number))
    let keptTrees = Set(kept.map(\.tree))
    do {
      let view = try database.snapshot()
      defer { view.close() }
      for (number, header) in try headers(in: view) where !numbers.contains(number) {
        try database.write(durability: .manual) { transaction in
          try transaction.delete(PrevalentKey.of(number), in: trees.images)
          if let header = try? header.get(), !keptTrees.contains(header.tree) {
            try dropIfPresent(TreeID(rawValue: header.tree), in: transaction)
          }
        }
      }
      // What a crash or a full disk has left unfinished.
      for tree in try database.read({ try chunkTrees(in: $0) })
      where !keptTrees.contains(tree.rawValue) {
        try database.write(durability: .manual) { try dropIfPresent(tree, in: $0) }
      }
    } catch {
      throw CommandJournal.error(error)
    }
  }

  private func dropIfPresent(
    _ tree: TreeID, in transaction: some TreeWriting
  ) throws(EngineError) {
    do throws(EngineError) {
      try transaction.dropTree(tree)
    } catch {
      guard case .treeNotFound = error else { throw error }
    }
  }
}
