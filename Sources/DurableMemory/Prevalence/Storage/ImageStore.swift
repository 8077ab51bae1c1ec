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
      guard format > 0 else {
        return .failure(.damagedImage(number: number, reason: "its header has format \(format)"))
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
    let tree = try PrevalenceError.wrapping { () throws(EngineError) in
      try chunkTree(of: header, in: view)
    }
    guard let tree else {
      throw .damagedImage(number: header.number, reason: "the tree of its chunks is missing")
    }
    var bytes: [UInt8] = []
    for chunk in 0..<header.chunks {
      let part = try PrevalenceError.wrapping { () throws(EngineError) in
        try view.value(forKey: PrevalentKey.of(UInt64(chunk)), in: tree)
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

  /// The tree with the chunks of an image; `nil` when it is missing.
  func chunkTree(of header: ImageHeader, in view: some TreeReader) throws(EngineError) -> TreeID? {
    try view.tree(named: PrevalentTrees.imagePrefix(system) + header.tree)
  }

  // MARK: Writing

  /// Writes an image chunk by chunk, and its header last, which makes it one; returns the header.
  func write(_ header: ImageHeader, _ bytes: [UInt8]) throws(PrevalenceError) -> ImageHeader {
    do {
      var header = header
      let tree: TreeID
      (header.tree, tree) = try database.write(durability: .manual) {
        try createTree(header.number, in: $0)
      }
      do {
        try writeChunks(of: header, bytes, to: tree)
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

  private func writeChunks(of header: ImageHeader, _ bytes: [UInt8], to tree: TreeID) throws {
    var chunk: UInt32 = 0
    while chunk < header.chunks {
      let end = min(header.chunks, chunk + Self.chunksAtOnce)
      try database.write(durability: .manual) { transaction in
        for chunk in chunk..<end { try put(chunk, of: bytes, to: tree, in: transaction) }
      }
      chunk = end
    }
  }

  /// Writes an image in the transaction of the caller.
  func write(
    _ header: ImageHeader, _ bytes: [UInt8], in transaction: some TreeWriting
  ) throws -> ImageHeader {
    var header = header
    let tree: TreeID
    (header.tree, tree) = try createTree(header.number, in: transaction)
    for chunk in 0..<header.chunks { try put(chunk, of: bytes, to: tree, in: transaction) }
    try put(header, in: transaction)
    return header
  }

  /// Makes a tree for chunks, and says what a header calls it; what a damaged or unfinished image has
  /// taken stays as it is.
  private func createTree(
    _ number: UInt64, in transaction: some TreeWriting
  ) throws(EngineError) -> (name: String, tree: TreeID) {
    let prefix = PrevalentTrees.imagePrefix(system)
    var (name, attempt) = ("\(number)", 1)
    while try transaction.tree(named: prefix + name) != nil {
      attempt += 1
      name = "\(number).\(attempt)"
    }
    return (name, try transaction.createTree(named: prefix + name))
  }

  private func put(
    _ chunk: UInt32, of bytes: [UInt8], to tree: TreeID, in transaction: some TreeWriting
  ) throws(EngineError) {
    let start = Int(chunk) * ImageHeader.chunkBytes
    let part = bytes[start..<min(start + ImageHeader.chunkBytes, bytes.count)]
    try transaction.put(Array(part), forKey: PrevalentKey.of(UInt64(chunk)), in: tree)
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
      let headers = try headers(in: view).map { try? $0.header.get() }
      if headers.contains(nil) { return }
      let named = try chunkTrees(of: headers.compactMap { $0 }, in: view)
      for tree in try chunkTrees(in: view) where !named.contains(tree) {
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

  /// The trees that headers name, as far as they are there.
  private func chunkTrees(
    of headers: [ImageHeader], in view: some TreeReader
  ) throws(EngineError) -> Set<TreeID> {
    var trees: Set<TreeID> = []
    for header in headers {
      if let tree = try chunkTree(of: header, in: view) { trees.insert(tree) }
    }
    return trees
  }

  /// Removes every image, whole or not, but those given.
  ///
  /// Each in one transaction, so that no header is without its chunks.
  func removeAll(except kept: [ImageHeader]) throws(PrevalenceError) {
    let numbers = Set(kept.map(\.number))
    do {
      let view = try database.snapshot()
      defer { view.close() }
      let keptTrees = try chunkTrees(of: kept, in: view)
      for (number, header) in try headers(in: view) where !numbers.contains(number) {
        try database.write(durability: .manual) { transaction in
          try transaction.delete(PrevalentKey.of(number), in: trees.images)
          if let header = try? header.get(), let tree = try chunkTree(of: header, in: transaction),
            !keptTrees.contains(tree)
          {
            try transaction.dropTree(tree)
          }
        }
      }
      // What a crash or a full disk has left unfinished.
      for tree in try database.read({ try chunkTrees(in: $0) }) where !keptTrees.contains(tree) {
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
