// SPDX-License-Identifier: Apache-2.0

/// Choosing between both superblocks.
enum SuperblockSelection {
  /// Reads both; returns the newer, and the older if it is intact too.
  ///
  /// One that the disk does not give is an error, unless `salvaging`: then the other one will do.
  static func read(
    _ storage: any Storage, salvaging: Bool = false
  ) throws(EngineError) -> (newest: Superblock, older: Superblock?) {
    var found: [Superblock] = []
    var problems: [Superblock.Invalid] = []
    var failure: StorageError?
    let buffer = try AlignedBuffer(count: PageGeometry.prologueBytes)
    guard try length(storage) >= UInt64(PageGeometry.prologueBytes) else {
      throw .notAStore(path: storage.name)
    }
    for slot in 0..<2 {
      let place = slot * Superblock.bytes
      do {
        try unsafe storage.read(into: buffer.buffer(place, Superblock.bytes), at: UInt64(place))
      } catch {
        guard salvaging else { throw .storage(error) }
        failure = error
        continue
      }
      do {
        let superblock = try Superblock.decode(buffer.page(at: place))
        // A superblock in the other's place was written astray.
        if superblock.sequence % 2 == slot { found.append(superblock) }
      } catch {
        problems.append(error)
      }
    }
    found.sort { $0.sequence > $1.sequence }
    for case .version(let version) in problems where version > Superblock.formatVersion {
      throw .unsupportedVersion(found: version, supported: Superblock.formatVersion)
    }
    guard let newest = found.first else {
      if let failure { throw .storage(failure) }
      throw unusable(storage, buffer, problems)
    }
    let older = found.dropFirst().first
    if let older, older.identity != newest.identity {
      throw .corrupt(
        Damage(
          file: storage.name, offset: older.sequence % 2 * UInt64(Superblock.bytes),
          structure: "superblocks 0 and 1", problem: "belong to different stores"))
    }
    return (newest, older)
  }

  private static func length(_ storage: any Storage) throws(EngineError) -> UInt64 {
    do {
      return try storage.length()
    } catch {
      throw .storage(error)
    }
  }

  private static func unusable(
    _ storage: any Storage, _ buffer: AlignedBuffer, _ problems: [Superblock.Invalid]
  ) -> EngineError {
    let hasMagic = (0..<2).contains { slot in
      buffer.bytes(slot * Superblock.bytes + Superblock.Field.magic, Superblock.magic.count).array
        == Superblock.magic
    }
    guard hasMagic else { return .notAStore(path: storage.name) }
    return .corrupt(
      Damage(
        file: storage.name, offset: 0, structure: "superblocks 0 and 1",
        problem: "neither is intact"))
  }
}

/// Reading a chain of pages.
struct ChainReader {
  let pager: Pager

  /// Hands the payload of each page to `body`, which returns what is wrong with it.
  ///
  /// Returns the numbers of the pages.
  func read(
    _ first: PageReference, _ kind: PageKind, _ body: (Bytes) -> String?
  ) throws(EngineError) -> [UInt64] {
    var numbers: [UInt64] = []
    var visited: Set<UInt64> = []
    var next = first
    let buffer = try AlignedBuffer(count: pager.pageBytes)
    while next.number != 0 {
      guard visited.insert(next.number).inserted else {
        throw pager.damage(next.number, "is part of a chain that goes in a circle")
      }
      try unsafe pager.readPage(next, into: buffer.buffer(0, pager.pageBytes))
      let page = buffer.page(at: 0)
      guard page.kind == kind.rawValue else {
        throw pager.damage(next.number, "is of kind \(page.kind), not \(kind.rawValue)")
      }
      let payload = Int(page.load32(PageLayout.payloadBytes))
      if let problem = body(page.bytes(PageLayout.headerBytes, payload)) {
        throw pager.damage(next.number, problem)
      }
      numbers.append(next.number)
      next = PageReference(
        number: page.load64(PageLayout.nextPage), checksum: page.load32(PageLayout.nextChecksum))
    }
    return numbers
  }
}

/// Reading a checkpoint's extent map.
struct MapLoader {
  let pager: Pager

  func load(
    _ superblock: Superblock, into map: inout ExtentMap
  ) throws(EngineError) -> PersistedMap {
    var persisted = PersistedMap()
    persisted.directoryPages = try ChainReader(pager: pager).read(superblock.map, .mapDirectory) {
      persisted.mapPages += MapDirectory.decode($0)
      return nil
    }
    let perPage = ExtentMap.entriesPerPage(pager.geometry)
    guard persisted.mapPages.count == (superblock.extentCount + perPage - 1) / perPage else {
      let found = persisted.mapPages.count
      throw pager.damage(superblock.map.number, "lists \(found) pages of the extent map")
    }
    for (index, reference) in persisted.mapPages.enumerated() {
      let pages = try ChainReader(pager: pager).read(reference, .extentMap) { payload in
        persisted.payloads.append(payload.array)
        return map.decode(payload, firstExtent: index * perPage)
      }
      guard pages.count == 1 else {
        throw pager.damage(superblock.map.number, "lists a page of the extent map as \(pages)")
      }
    }
    return persisted
  }
}
