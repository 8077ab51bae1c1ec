// SPDX-License-Identifier: Apache-2.0

/// Laying out an empty store: both superblocks, one extent of pages, two of log.
enum StoreCreation {
  static let extents = 3

  static func create(
    on storage: any Storage, configuration: Configuration
  ) throws(EngineError) {
    guard configuration.identity.map({ $0.count == 16 }) ?? true else {
      throw .invalidConfiguration("an identity has 16 bytes")
    }
    do {
      guard try storage.length() == 0 else { throw EngineError.alreadyExists(path: storage.name) }
      try layOut(storage, configuration)
    } catch let error as EngineError {
      throw error
    } catch let error as StorageError {
      throw error.kind == .outOfSpace ? .outOfSpace : .storage(error)
    } catch {
      throw .invalidConfiguration("\(error)")
    }
  }

  /// Whether a file is what a creation leaves that is cut short: superblocks come last, so it has none
  /// and is zeros all over, but for the two pages that are written first.
  static func isUnfinished(_ storage: any Storage) throws(StorageError) -> Bool {
    let length = try storage.length()
    let prologue = UInt64(PageGeometry.prologueBytes)
    guard length <= prologue + UInt64(extents * PageGeometry.extentBytes) else { return false }
    let largest = UInt64(PageGeometry.maximumPageBytes)
    let written = prologue..<prologue + 3 * largest
    guard let buffer = try? AlignedBuffer(count: 1 << 16) else { return false }
    for start in stride(from: 0, to: length, by: buffer.count) {
      let count = Int(min(UInt64(buffer.count), length - start))
      try unsafe storage.read(into: buffer.buffer(0, count), at: start)
      let bytes = buffer.bytes(0, count)
      for position in 0..<count where bytes[position] != 0 {
        guard written.contains(start + UInt64(position)) else { return false }
      }
    }
    return true
  }

  private static func layOut(_ storage: any Storage, _ configuration: Configuration) throws {
    let geometry = PageGeometry(pageBytes: configuration.pageBytes)
    let pager = try Pager(storage: storage, geometry: geometry, cacheBytes: 4 << 20)
    try pager.resize(toExtents: extents)
    pager.map.setOwner(0, .pages)
    for extent in 1..<extents { pager.map.setOwner(extent, .log) }
    try pager.clear(1..<extents)
    let (mapPage, directoryPage) = (UInt64(1), UInt64(2))
    pager.map.markAllocated(mapPage)
    pager.map.markAllocated(directoryPage)
    let none = PageReference(number: 0, checksum: 0)
    let map = try pager.writeChained(
      .extentMap, number: mapPage, birth: 0,
      payload: pager.map.encode(0..<extents, reachable: pager.map.reachable()), next: none,
      buffer: pager.staging)
    let directory = try pager.writeChained(
      .mapDirectory, number: directoryPage, birth: 0,
      payload: MapDirectory.encode([map], limit: geometry.valueBytesPerPage)[0], next: none,
      buffer: pager.staging)
    try storage.flush()
    let identity = configuration.identity ?? randomIdentity()
    var superblock = Superblock(
      identity: identity, sequence: 1, pageBytes: configuration.pageBytes, lsn: 0, nextTree: 1,
      catalog: none, map: directory, extentCount: extents,
      log: LogPosition(
        extent: 1, offset: 0, nextExtent: 2, nextGroup: 1, previousChecksum: 0),
      flushedGroup: 0)
    for sequence in 1...2 {
      superblock.sequence = UInt64(sequence)
      try storage.write(superblock, using: pager.staging)
    }
    try storage.flush()
  }

  private static func randomIdentity() -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }
}
