// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Changing, by the thread that holds the lock.
extension MapMemory {
  /// Makes an entry that nobody can find yet.
  ///
  /// It is to be published or discarded.
  func makeEntry(
    key: Span<UInt8>, value: Span<UInt8>, parts: PartsName? = nil
  ) -> Entry {
    let bytes = Entry.byteCount(key: key.count, value: value.count, inParts: parts != nil)
    let entry = allocator.take(bytes)
    entry.fill(key: key, value: value)
    if let parts { entry.partsName = parts }
    return entry
  }

  /// Gives up an entry that was never published.
  func discard(_ entry: Entry) {
    allocator.giveBack(entry, entry.byteCount)
  }

  /// Sees to it that the next entry with that hash finds room at once.
  func makeRoom(_ hash: UInt64) {
    let directory = directory
    guard directory.exists else { return }
    let table = directory[directory.index(for: hash)]
    if table.isFull { enlarge(table, hash) } else { own(table, hash) }
  }

  /// Lets an entry be found, instead of `old` if that exists.
  func publish(_ entry: Entry, _ hash: UInt64, replacing old: Entry) {
    guard directory.exists else { return discard(entry) }
    if old.exists {
      let table = own(directory[directory.index(for: hash)], hash)
      guard let slot = table.slot(of: old, SlotHash(hash)) else { return discard(entry) }
      table.replace(at: slot, with: entry, SlotHash(hash))
      note(old, -1)
      retire(old)
    } else {
      makeRoom(hash)
      directory[directory.index(for: hash)].insert(entry, SlotHash(hash))
      count.store(count.load(ordering: .relaxed) + 1, ordering: .relaxed)
    }
    note(entry, 1)
  }

  /// Takes an entry out, if there is one.
  func remove(_ old: Entry, _ hash: UInt64) {
    guard old.exists, directory.exists else { return }
    let table = own(directory[directory.index(for: hash)], hash)
    guard let slot = table.slot(of: old, SlotHash(hash)) else { return }
    table.remove(at: slot)
    count.store(count.load(ordering: .relaxed) - 1, ordering: .relaxed)
    note(old, -1)
    retire(old)
  }

  /// Lets an entry in parts be found.
  func publish(_ whole: WholeEntry) {
    let (key, value) = (whole.key.span, whole.value.span)
    let entry = makeEntry(key: key, value: value, parts: whole.name)
    let hash = hash(entry)
    publish(entry, hash, replacing: self.entry(key.extracting(1..<key.count), hash))
  }

  @inline(__always)
  private func note(_ entry: Entry, _ sign: Int) {
    let keyCount = entry.plainKeyCount
    keyBytes &+= sign &* keyCount
    valueBytes &+= sign &* entry.plainValueCount
    if keyCount > StoredForm.longestPlainKey { noteLong(entry, sign) }
  }

  private func noteLong(_ entry: Entry, _ sign: Int) {
    longKeys[entry.partsName.longKey] = sign > 0 ? entry : nil
  }

  // MARK: Tables

  /// The table, or a copy in its place when a snapshot shows it.
  @discardableResult
  private func own(_ table: SlotTable, _ hash: UInt64) -> SlotTable {
    guard table.generation <= snapshots.newestShown else { return table }
    let copy = table.copied(generation: snapshots.generation)
    install(copy, insteadOf: table, hash)
    return copy
  }

  private func enlarge(_ table: SlotTable, _ hash: UInt64) {
    let generation = snapshots.generation
    guard let (low, high) = divided(table, generation) else {
      return install(table.remade(generation: generation), insteadOf: table, hash)
    }
    if table.depth == directory.depth { doubleDirectory() }
    let places = directory.places(of: table, hash)
    let middle = places.lowerBound + places.count / 2
    for place in places { directory[place] = place < middle ? low : high }
    tableBytes += low.byteCount + high.byteCount
    retire(table)
    makeRoom(hash)
  }

  private func divided(_ table: SlotTable, _ generation: UInt64) -> (SlotTable, SlotTable)? {
    guard table.isToBeDivided, table.depth < Directory.greatestDepth else { return nil }
    let mask = UInt64(1) << UInt64(63 - table.depth)
    return table.divided(generation: generation) { hash($0) & mask != 0 }
  }

  private func install(_ table: SlotTable, insteadOf old: SlotTable, _ hash: UInt64) {
    for place in directory.places(of: old, hash) { directory[place] = table }
    tableBytes += table.byteCount
    retire(old)
  }

  private func doubleDirectory() {
    let old = directory
    let new = old.doubled()
    directoryWord.store(new.word, ordering: .sequentiallyConsistent)
    tableBytes += new.byteCount
    retire(.directory(old))
  }

  /// Takes out everything at once.
  func removeAll() {
    let old = directory
    guard old.exists else { return }
    let table = SlotTable(
      capacity: SlotTable.smallestCapacity, depth: 0, generation: snapshots.generation)
    let new = Directory(depth: 0) { _ in table }
    tableBytes += table.byteCount + new.byteCount
    directoryWord.store(new.word, ordering: .sequentiallyConsistent)
    dropAll(old)
    count.store(0, ordering: .relaxed)
    (keyBytes, valueBytes) = (0, 0)
  }

  private func retireAll(_ directory: Directory) {
    for table in directory.distinctTables {
      table.forEach { entry, _ in retire(entry) }
      retire(table)
    }
    retire(.directory(directory))
  }

  /// Lets no reader in any more, and gives the memory back as far as nobody is inside.
  func close() {
    let old = directory
    guard old.exists else { return }
    directoryWord.store(0, ordering: .sequentiallyConsistent)
    dropAll(old)
  }

  /// Gives back all that readers came to by a directory: at once if nobody is inside, as it mostly
  /// is.
  private func dropAll(_ old: Directory) {
    // What is left of them must not lead to memory that is given back.
    (longKeys, arrivals) = ([:], PartsAssembly())
    epochs.advance()
    guard min(epochs.oldest(), snapshots.oldestEpoch) == .max else {
      retireAll(old)
      return reclaim()
    }
    freeTables(old.word)
    allocator.freeAll()
  }

  // MARK: Memory

  /// Frees the tables of a directory, if there is one, and those that wait.
  private func freeTables(_ word: UInt64) {
    while let item = limbo.take(before: .max) {
      // Entries go with the allocator.
      if case .entry = item { continue }
      free(item)
    }
    let directory = Directory(word: word)
    guard directory.exists else { return }
    for table in directory.distinctTables { free(.table(table)) }
    free(.directory(directory))
  }

  private func retire(_ table: SlotTable) {
    retire(.table(table))
    // Worth a look at once, as it takes as much memory as hundreds of entries.
    reclaim()
  }

  private func retire(_ entry: Entry) {
    retire(.entry(entry))
  }

  private func retire(_ item: Limbo.Item) {
    if limbo.add(item, epochs.current) { reclaim() }
  }

  /// Uses again what nobody can be looking at any more.
  func reclaim() {
    limbo.beginLook()
    epochs.advance()
    let oldest = min(epochs.oldest(), snapshots.oldestEpoch)
    while let item = limbo.take(before: oldest) { free(item) }
  }

  private func free(_ item: Limbo.Item) {
    switch item {
    case .entry(let entry):
      allocator.giveBack(entry, entry.byteCount)
    case .table(let table):
      tableBytes -= table.byteCount
      table.deallocate()
    case .directory(let directory):
      tableBytes -= directory.byteCount
      directory.deallocate()
    }
  }

  /// Gives everything back, when nobody has the map any more.
  func freeAll() {
    freeTables(directoryWord.exchange(0, ordering: .relaxed))
    allocator.freeAll()
  }
}
