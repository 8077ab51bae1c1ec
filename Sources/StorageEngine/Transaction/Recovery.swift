// SPDX-License-Identifier: Apache-2.0

/// Everything a database starts from.
struct Recovered {
  var pager: Pager
  /// Both superblocks are alike.
  var superblock: Superblock
  var persisted: PersistedMap
  var state: TreeSet
  var log: LogSpace
  var writer: LogWriter
  /// Whether only one superblock was intact.
  var foundOneSuperblock = false
}

/// Opening a store: the newest superblock, the map, the catalog, then the log.
///
/// What recovery guarantees: the state after the last whole group of the log; every group known to
/// have been flushed is in it, or an error names the one that cannot be read. Nothing that the
/// superblocks refer to is written before the next checkpoint, so a crash during recovery leaves
/// everything as it was.
struct Recovery {
  let pager: Pager
  private(set) var superblock: Superblock
  private let older: Superblock?
  private let salt: UInt32
  private var persisted = PersistedMap()
  var state = TreeSet()

  static func recover(
    storage: any Storage, configuration: Configuration
  ) throws(EngineError) -> Recovered {
    let (superblock, previous) = try SuperblockSelection.read(storage)
    var recovery = try Recovery(
      storage: storage, superblock: superblock, older: previous, configuration: configuration)
    try recovery.loadMap()
    try recovery.loadCatalog()
    var recovered = try recovery.replay()
    recovered.foundOneSuperblock = previous == nil
    return recovered
  }

  private init(
    storage: any Storage, superblock: Superblock, older: Superblock?,
    configuration: Configuration
  ) throws(EngineError) {
    self.superblock = superblock
    self.older = older
    salt = configuration.logSalt ?? UInt32.random(in: .min ... .max)
    pager = try Pager(
      storage: storage, geometry: PageGeometry(pageBytes: superblock.pageBytes),
      cacheBytes: max(configuration.cacheBytes, superblock.pageBytes * 256))
  }

  /// Puts the newest superblock in the place of the other: what only an older one needs, pages, log
  /// and what the log names, recovery cannot tell from free space.
  private mutating func makeSuperblocksAlike() throws(EngineError) {
    if older?.lsn == superblock.lsn && older?.log == superblock.log { return }
    // It may have been written, but never flushed. Where the other one is no good, a write that goes
    // wrong would leave none; and it is no good because it was to follow this one, which was durable
    // by then.
    if older != nil { try writeSuperblock() }
    superblock.sequence += 1
    try writeSuperblock()
  }

  private func writeSuperblock() throws(EngineError) {
    do {
      try pager.storage.write(superblock, using: pager.staging)
      try pager.storage.flush()
    } catch {
      throw .storage(error)
    }
  }

  // MARK: Map and catalog

  private mutating func loadMap() throws(EngineError) {
    let length: UInt64
    do {
      length = try pager.storage.length()
    } catch {
      throw .storage(error)
    }
    let prologue = UInt64(PageGeometry.prologueBytes)
    let whole = Int(
      min(
        (max(length, prologue) - prologue) / UInt64(PageGeometry.extentBytes),
        UInt64(PageTable.maximumPages / pager.geometry.pagesPerExtent)))
    guard whole >= superblock.extentCount else {
      throw .corrupt(
        Damage(
          file: pager.storage.name, offset: length, structure: "the file",
          problem: "ends before extent \(superblock.extentCount - 1)"))
    }
    pager.map.grow(toExtents: whole)
    // Where the file ends inside an extent, that one holds something too.
    pager.map.noteWritten(whole + 1)
    pager.fileExtents = whole
    let loaded = try MapLoader(pager: pager).load(superblock, into: &pager.map)
    persisted.mapPages = loaded.mapPages
    persisted.payloads = loaded.payloads
    persisted.directoryPages = loaded.directoryPages
    pager.checkpointLSNs = [superblock.lsn]
    // A checkpoint writes an extent whose pages it still held as one of pages without any.
    pager.map.freeEmptyExtents()
  }

  private mutating func loadCatalog() throws(EngineError) {
    var set = TreeSet()
    let pages = try ChainReader(pager: pager).read(superblock.catalog, .catalog) {
      Catalog.decode($0, into: &set)
    }
    persisted.catalogPages = pages
    set.nextTree = max(set.nextTree, superblock.nextTree)
    set.lsn = superblock.lsn
    state = set
    pager.openBirth = superblock.lsn + 1
  }

  // MARK: The log

  private mutating func replay() throws(EngineError) -> Recovered {
    // What the log itself occupies, and the values it names, must be known before the first page
    // is given out.
    let (chain, end) = try surveyLog()
    // All that is needed could be read; now begins what writes.
    try makeSuperblocksAlike()
    let checkpointed = try registerNamedSnapshots()
    var reader = try makeReader(upTo: end)
    let payload = LogBuffer()
    while try reader.next(into: payload) {
      try forEachTransaction(payload, reader) { (transaction) throws(EngineError) in
        guard transaction.lsn == state.lsn + 1 else {
          throw damage(reader, "holds transaction \(transaction.lsn) after \(state.lsn)")
        }
        do throws(EngineError) {
          try ChangeApplier(pager: pager).apply(
            transaction.trees, transaction.spilled, LoggedChanges(transaction.changes), to: &state)
        } catch {
          switch error {
          case .treeNotFound(let tree):
            throw damage(reader, "changes tree \(tree), which does not exist")
          case .treeExists(let name): throw damage(reader, "creates tree \(name) a second time")
          default: throw error
          }
        }
        state.lsn = transaction.lsn
      }
      payload.removeAll()
    }
    guard reader.position.nextGroup == end else {
      throw damage(reader, reader.position.nextGroup, "could be read once and not a second time")
    }
    try adoptNamedSnapshots(since: checkpointed)
    return try assemble(reader.position, chain: chain)
  }

  private func makeReader(upTo end: UInt64? = nil) throws(EngineError) -> LogReader {
    try LogReader(
      pager: pager, store: superblock.logMark, from: superblock.log,
      claimedGroup: superblock.flushedGroup, end: end)
  }

  /// Goes through the log once: takes its extents and the large values it names out of the free
  /// space.
  ///
  /// Returns its extents, and the group before which it ends.
  private func surveyLog() throws(EngineError) -> (chain: [Int], end: UInt64) {
    var reader = try makeReader()
    let payload = LogBuffer()
    var values: [DirectValue] = []
    while try reader.next(into: payload) {
      try forEachTransaction(payload, reader) { (transaction) throws(EngineError) in
        for change in transaction.changes { try note(change, &values, reader) }
        for block in transaction.spilled.flatMap(\.blocks) {
          values.append(block.value)
          let block = try ChangeBlock(block, pager)
          // The changes are in the block's memory.
          try withExtendedLifetime(block) { () throws(EngineError) in
            for change in block.changes { try note(change, &values, reader) }
          }
        }
      }
      payload.removeAll()
    }
    try restoreGrowth(reader)
    for extent in reader.chain + [reader.position.nextExtent] {
      guard extent < pager.map.extentCount,
        pager.map.owners[extent] != .pages || pager.map.isEmpty(extent)
      else { throw damage(reader, "occupies extent \(extent), which holds pages") }
      pager.map.setOwner(extent, .log)
    }
    for value in values {
      let runs = try pager.runs(of: value).runs
      guard runs.allSatisfy({ !reader.chain.contains(pager.geometry.extent(ofPage: $0.first)) })
      else { throw damage(reader, "names a large value inside the log") }
      try pager.claimRuns(of: value)
    }
    return (reader.chain, reader.position.nextGroup)
  }

  /// Notes the large value that a change names, if any.
  private func note(
    _ change: KeyChange, _ values: inout [DirectValue], _ reader: LogReader
  ) throws(EngineError) {
    guard change.operation == .putDirect else { return }
    guard let value = DirectValue(change.value) else {
      throw damage(reader, "names a large value without runs")
    }
    values.append(value)
  }

  /// The last group may name an extent behind it whose growth was not flushed.
  private func restoreGrowth(_ reader: LogReader) throws(EngineError) {
    let needed = reader.position.nextExtent + 1
    guard needed > pager.map.extentCount else { return }
    guard needed <= pager.map.extentCount + Pager.maximumGrowth else {
      throw damage(reader, "names extent \(needed - 1), which lies far beyond the file")
    }
    try pager.resize(toExtents: needed)
  }

  private func forEachTransaction(
    _ payload: LogBuffer, _ reader: LogReader,
    _ body: (LogRecordReader.Transaction) throws(EngineError) -> Void
  ) throws(EngineError) {
    var records = LogRecordReader(payload.bytes)
    while true {
      let transaction: LogRecordReader.Transaction?
      do {
        transaction = try records.next()
      } catch {
        throw damage(reader, "holds \(error.problem) at byte \(error.offset)")
      }
      guard let transaction else { return }
      try body(transaction)
    }
  }

  private func damage(_ reader: LogReader, _ problem: String) -> EngineError {
    damage(reader, reader.position.nextGroup - 1, problem)
  }

  private func damage(_ reader: LogReader, _ group: UInt64, _ problem: String) -> EngineError {
    let position = reader.position
    return .corrupt(
      Damage(
        file: pager.storage.name,
        offset: pager.geometry.offset(ofExtent: position.extent) + UInt64(position.offset),
        structure: "log group \(group)", problem: problem))
  }

  private func assemble(_ position: LogPosition, chain: [Int]) throws(EngineError) -> Recovered {
    var log = LogSpace(position: superblock.log)
    log.adopt(chain: chain, position: position)
    let owned = Set(log.allExtents)
    log.released = (0..<pager.map.extentCount).filter {
      pager.map.owners[$0] == .log && !owned.contains($0)
    }
    let writer = try LogWriter(
      pager: pager, store: superblock.logMark, salt: salt, position: position, state: state)
    return Recovered(
      pager: pager, superblock: superblock, persisted: persisted, state: state, log: log,
      writer: writer)
  }
}
