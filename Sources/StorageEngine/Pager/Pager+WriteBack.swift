// SPDX-License-Identifier: Apache-2.0

/// Writing dirty pages: in order for a checkpoint, or early when frames run out.
///
/// Children are written before their parents, because a parent's image carries its children's
/// checksums. They are put into the image only; the page in memory is shared and stays as it is.
extension Pager {
  /// Writes pages to their places and marks them clean.
  ///
  /// Pages that are not dirty any more are passed over. `numbers` are of one rank: none is
  /// another's parent.
  func writeBack(_ numbers: [UInt64], staging: AlignedBuffer) throws(EngineError) {
    let sorted = numbers.sorted()
    let capacity = staging.count / pageBytes
    var position = 0
    while position < sorted.count {
      var run: [(number: UInt64, checksum: UInt32)] = []
      let first = sorted[position]
      while position < sorted.count, run.count < capacity,
        sorted[position] == first + UInt64(run.count),
        let checksum = try stage(sorted[position], staging, at: run.count * pageBytes)
      {
        run.append((sorted[position], checksum))
        position += 1
      }
      if run.isEmpty {
        position += 1
        continue
      }
      let bytes = unsafe UnsafeRawBufferPointer(staging.buffer(0, run.count * pageBytes))
      do {
        try unsafe storage.write(bytes, at: geometry.offset(ofPage: first))
      } catch {
        throw .storage(error)
      }
      markClean(run)
    }
  }

  /// Copies a dirty page with its children's checksums; `nil` when it is no longer dirty.
  private func stage(
    _ number: UInt64, _ staging: AlignedBuffer, at offset: Int
  ) throws(EngineError) -> UInt32? {
    let slot = pool.epochs.enter()
    defer { pool.epochs.leave(slot) }
    let entry = pool.table[number]
    guard entry.isDirty, let frame = entry.frame else { return nil }
    let image = staging.page(at: offset)
    image.copyPage(from: pool.page(inFrame: frame), pageBytes: pageBytes)
    setChildChecksums(image)
    let checksum = image.computeChecksum(pageBytes: pageBytes)
    image.store32(checksum, PageLayout.checksum)
    return checksum
  }

  private func setChildChecksums(_ image: PageView) {
    if image.kind == PageKind.branch.rawValue {
      for index in 0..<image.count {
        let child = image.child(index)
        if let checksum = pool.table[child.number].checksum, checksum != child.checksum {
          image.setChild(index, PageReference(number: child.number, checksum: checksum))
        }
      }
    } else if image.isLeaf {
      for index in 0..<image.count where image.form(index) == .paged {
        setValueChecksums(image, index)
      }
    }
  }

  private func setValueChecksums(_ image: PageView, _ index: Int) {
    let slot = image.slotOffset(index)
    let start = image.load16(slot) + image.load16(slot + 2)
    for position in 0..<PagedValue.pageCount(image.value(index)) {
      let offset = start + PagedValue.offset(ofReference: position)
      if let checksum = pool.table[image.load64(offset)].checksum {
        image.store32(checksum, offset + 8)
      }
    }
  }

  private func markClean(_ run: [(number: UInt64, checksum: UInt32)]) {
    pool.lock.withLock {
      for (number, checksum) in run {
        let entry = pool.table[number]
        guard entry.isDirty, let frame = entry.frame else { continue }
        pool.table[number] = .clean(frame: frame, checksum: checksum)
      }
    }
  }

  /// Writes some dirty leaves, and all value pages, to their places, so that their frames can be
  /// evicted; where there are none, all branches.
  ///
  /// Allowed between operations at any time: no superblock refers to them yet.
  func writeDirtyPages() throws(EngineError) {
    earlyWrites += 1
    let dirty = pool.lock.withLock { pool.dirtyPages() }
    var values: [UInt64] = []
    var leaves = DirtyLeaves()
    var branches: [[UInt64]] = []
    for number in dirty {
      guard let frame = pool.table[number].frame else { continue }
      let page = pool.page(inFrame: frame)
      switch PageKind(rawValue: page.kind) {
      case .value: values.append(number)
      case .leaf where map.isDead(number): leaves.dead.append(number)
      case .leaf where page.birth == openBirth: leaves.open.append(number)
      case .leaf: leaves.earlier.append(number)
      case .branch:
        while branches.count <= page.level { branches.append([]) }
        branches[page.level].append(number)
      default: continue
      }
    }
    // None may be left because a checkpoint has just written them: those can be evicted now.
    if dirty.isEmpty { return }
    if values.isEmpty && leaves.isEmpty {
      // All below is written, so their images have the checksums of what they lead to. Whoever
      // changes something below makes the whole way to it dirty again.
      for rank in branches { try writeBack(rank, staging: staging) }
      return
    }
    // A leaf's image needs the checksums of its values, so all of those go first.
    try writeBack(values, staging: staging)
    try writeBack(leaves.choice(pool.frameCount / 4), staging: staging)
  }
}

/// Dirty leaves by how soon they will be needed again.
private struct DirtyLeaves {
  /// Those that the open group made.
  var open: [UInt64] = []
  /// Those that are part of the working state, from earlier groups.
  var earlier: [UInt64] = []
  /// Those that were replaced: most will be forgotten without ever being written.
  var dead: [UInt64] = []

  var isEmpty: Bool { open.isEmpty && earlier.isEmpty && dead.isEmpty }

  /// Up to `count` leaves to write.
  ///
  /// A group that fills so much of the cache goes through its trees in the order of keys: what it
  /// has behind it is needed again last.
  func choice(_ count: Int) -> [UInt64] {
    let ordered = open.count >= count ? open : earlier + open + dead
    return Array(ordered.prefix(count))
  }
}
