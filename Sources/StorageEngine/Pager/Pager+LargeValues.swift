// SPDX-License-Identifier: Apache-2.0

/// Values in pages of their own.
extension Pager {
  /// Spreads a value over new value pages of the open group; returns the leaf's share.
  func makePagedValue(_ value: Bytes, tree: UInt32) throws(EngineError) -> [UInt8] {
    var pages: [UInt64] = []
    var offset = 0
    while offset < value.count {
      let length = min(geometry.valueBytesPerPage, value.count - offset)
      let page = try newPage(.value, level: 0, tree: tree)
      page.copy(value.dropFirst(offset).prefix(length), to: PageLayout.headerBytes)
      page.store32(UInt32(length), PageLayout.payloadBytes)
      pages.append(page.number)
      offset += length
    }
    return PagedValue.encode(length: value.count, pages: pages)
  }

  /// Retires a page whose birth is only known while it is in memory.
  ///
  /// Taking the earliest birth possible only means that it may be kept longer than needed.
  func retireUnseen(_ number: UInt64, namedBirth: UInt64) {
    // Inside an epoch, or the frame could become another page's meanwhile.
    let epoch = pool.epochs.enter()
    let birth = pool.table[number].frame.map { pool.page(inFrame: $0).birth }
    pool.epochs.leave(epoch)
    retire(number, birth: birth ?? 0, namedBirth: birth ?? namedBirth)
  }

  /// Retires everything a large value occupies.
  ///
  /// No named snapshot sees it unless one is given.
  func retireRuns(
    of value: DirectValue, namedBirth: UInt64 = .max
  ) throws(EngineError) {
    let (runs, lists) = try self.runs(of: value)
    for run in runs {
      for number in run.first..<run.first + UInt64(run.count) {
        retire(number, birth: 0, namedBirth: namedBirth)
      }
    }
    for number in lists { retire(number, birth: 0, namedBirth: namedBirth) }
  }

  /// All runs of a large value, and the pages that list them.
  ///
  /// For `ignoringNewer` see `readPage`.
  func runs(
    of value: DirectValue, ignoringNewer: Bool = false
  ) throws(EngineError) -> (runs: [PageRun], lists: [UInt64]) {
    guard var list = value.list else {
      try checkRuns(value.runs, of: value, at: value.runs[0].first)
      return (value.runs, [])
    }
    let buffer = try AlignedBuffer(count: pageBytes)
    var runs: [PageRun] = []
    var lists: [UInt64] = []
    while list.number != 0 && runs.count < value.runCount {
      try unsafe readPage(
        list, into: buffer.buffer(0, pageBytes), ignoringNewer: ignoringNewer)
      let page = buffer.page(at: 0)
      guard page.kind == PageKind.runList.rawValue else {
        throw damage(list.number, "is of kind \(page.kind), not a list of runs")
      }
      lists.append(list.number)
      let payload = page.bytes(PageLayout.headerBytes, Int(page.load32(PageLayout.payloadBytes)))
      guard payload.count >= PageRun.encodedBytes else {
        throw damage(list.number, "lists no runs")
      }
      for position in 0..<payload.count / PageRun.encodedBytes {
        runs.append(DirectValue.run(payload, at: position * PageRun.encodedBytes))
      }
      list = PageReference(
        number: page.load64(PageLayout.nextPage), checksum: page.load32(PageLayout.nextChecksum))
    }
    try checkRuns(runs, of: value, at: lists.first ?? list.number)
    return (runs, lists)
  }

  private func checkRuns(
    _ runs: [PageRun], of value: DirectValue, at number: UInt64
  ) throws(EngineError) {
    var pages = 0
    for run in runs {
      guard run.count > 0, run.count <= geometry.pagesPerExtent, run.first > 0,
        run.first < UInt64(PageTable.maximumPages - geometry.pagesPerExtent)
      else { throw damage(number, "lists a run of \(run.count) pages") }
      pages += run.count
    }
    guard runs.count == value.runCount, pages == (value.length + pageBytes - 1) / pageBytes else {
      throw damage(number, "lists \(pages) pages for \(value.length) bytes")
    }
  }

  /// Reads a large value whole.
  func directValue(
    _ stored: Bytes, ignoringNewer: Bool = false
  ) throws(EngineError) -> [UInt8] {
    guard let value = DirectValue(stored) else {
      throw .corrupt(
        Damage(
          file: storage.name, offset: 0, structure: "a large value", problem: "lists no runs"))
    }
    let runs = try runs(of: value, ignoringNewer: ignoringNewer).runs
    let buffer = try AlignedBuffer(count: PageGeometry.extentBytes)
    var result = [UInt8]()
    result.reserveCapacity(value.length)
    for run in runs {
      let bytes = try readRun(run, into: buffer)
      let piece = bytes.prefix(min(bytes.count, value.length - result.count))
      unsafe result.append(
        contentsOf: UnsafeRawBufferPointer(start: piece.base, count: piece.count))
    }
    return result
  }

  /// Reads and checks one run.
  func readRun(_ run: PageRun, into buffer: AlignedBuffer) throws(EngineError) -> Bytes {
    let length = run.count * pageBytes
    do {
      try unsafe storage.read(
        into: buffer.buffer(0, length), at: geometry.offset(ofPage: run.first))
    } catch {
      if error.kind == .unexpectedEnd {
        throw damage(run.first, "lies beyond the end of the file")
      }
      throw .storage(error)
    }
    let bytes = buffer.bytes(0, length)
    guard bytes.checksum() == run.checksum else {
      throw damage(run.first, "a large value's checksum does not match its content")
    }
    return bytes
  }
}

/// Writing values directly, before the commit that names them.
extension Pager {
  /// Writes a value to pages that no state refers to yet; `claimRuns` makes them part of one and
  /// `abandonRuns` gives them back.
  ///
  /// Durable only after the next flush.
  func writeDirectValue(_ value: Bytes) throws(EngineError) -> DirectValue {
    var runs: [PageRun] = []
    var lists: [UInt64] = []
    do {
      let buffer = try AlignedBuffer(count: PageGeometry.extentBytes)
      var offset = 0
      while offset < value.count {
        let wanted = min(
          geometry.pagesPerExtent, (value.count - offset + pageBytes - 1) / pageBytes)
        let (first, count) = try structureLock.withLock { () throws(EngineError) in
          try takeUncommittedRun(wanted)
        }
        runs.append(PageRun(first: first, count: count, checksum: 0))
        let piece = value.dropFirst(offset).prefix(min(count * pageBytes, value.count - offset))
        runs[runs.count - 1].checksum = try writePadded(
          piece, to: first, pages: count, buffer: buffer)
        offset += piece.count
      }
      let list = try writeRunList(runs, lists: &lists, buffer: buffer)
      return DirectValue(length: value.count, runs: runs, list: list)
    } catch {
      abandonRuns(runs, lists: lists)
      throw error
    }
  }

  private func takeUncommittedRun(_ wanted: Int) throws(EngineError) -> (UInt64, Int) {
    // In one piece where there is room for it, else in pieces that are not too small, before the
    // file grows.
    for minimum in [wanted, (wanted + 3) / 4] {
      if let run = takeRun(wanted, atLeast: minimum) { return run }
    }
    while true {
      try growFile()
      if let run = takeRun(wanted, atLeast: wanted) { return run }
    }
  }

  private func takeRun(_ wanted: Int, atLeast minimum: Int) -> (UInt64, Int)? {
    guard let (first, count) = map.takeRun(wanted, atLeast: minimum) else { return nil }
    for number in first..<first + UInt64(count) { map.setDead(number, true) }
    return (first, count)
  }

  private func writePadded(
    _ piece: Bytes, to first: UInt64, pages: Int, buffer: AlignedBuffer
  ) throws(EngineError) -> UInt32 {
    let length = pages * pageBytes
    buffer.copy(piece, to: 0)
    buffer.clear(piece.count, length - piece.count)
    do {
      try unsafe storage.write(
        UnsafeRawBufferPointer(buffer.buffer(0, length)), at: geometry.offset(ofPage: first))
    } catch {
      throw error.kind == .outOfSpace ? .outOfSpace : .storage(error)
    }
    return buffer.bytes(0, length).checksum()
  }

  /// Writes the pages that list the runs, last page first because each names the next.
  private func writeRunList(
    _ runs: [PageRun], lists: inout [UInt64], buffer: AlignedBuffer
  ) throws(EngineError) -> PageReference? {
    guard runs.count > DirectValue.maximumInlineRuns else { return nil }
    let perPage = geometry.valueBytesPerPage / PageRun.encodedBytes
    var next = PageReference(number: 0, checksum: 0)
    for start in stride(from: 0, to: runs.count, by: perPage).reversed() {
      var payload = [UInt8]()
      for run in runs[start..<min(start + perPage, runs.count)] {
        DirectValue.append(run, to: &payload)
      }
      let number = try structureLock.withLock { () throws(EngineError) in
        try takeUncommittedRun(1).0
      }
      lists.append(number)
      next = try writeChained(
        .runList, number: number, birth: 0, payload: payload, next: next, buffer: buffer)
    }
    return next
  }

  /// Writes a page that carries a payload and names the next of its chain.
  func writeChained(
    _ kind: PageKind, number: UInt64, birth: UInt64, payload: [UInt8], next: PageReference,
    buffer: AlignedBuffer
  ) throws(EngineError) -> PageReference {
    let page = buffer.page(at: 0)
    page.format(
      kind: kind, level: 0, number: number, birth: birth, tree: 0, pageBytes: pageBytes)
    page.store64(next.number, PageLayout.nextPage)
    page.store32(next.checksum, PageLayout.nextChecksum)
    page.store32(UInt32(payload.count), PageLayout.payloadBytes)
    payload.withBytes { page.copy($0, to: PageLayout.headerBytes) }
    let checksum = page.computeChecksum(pageBytes: pageBytes)
    page.store32(checksum, PageLayout.checksum)
    do {
      try unsafe storage.write(
        UnsafeRawBufferPointer(buffer.buffer(0, pageBytes)), at: geometry.offset(ofPage: number))
    } catch {
      throw error.kind == .outOfSpace ? .outOfSpace : .storage(error)
    }
    return PageReference(number: number, checksum: checksum)
  }

  /// Makes runs part of the working state.
  ///
  /// Call under `structureLock`.
  func claimRuns(of value: DirectValue) throws(EngineError) {
    let (runs, lists) = try self.runs(of: value)
    for run in runs {
      for number in run.first..<run.first + UInt64(run.count) { try claim(number) }
    }
    for number in lists { try claim(number) }
  }

  /// Makes a large value part of no state but those before this transaction.
  ///
  /// Call under `structureLock`.
  func claimAndRetireRuns(of value: DirectValue) throws(EngineError) {
    try claimRuns(of: value)
    try retireRuns(of: value)
  }

  private func claim(_ number: UInt64) throws(EngineError) {
    let extent = geometry.extent(ofPage: number)
    guard extent < map.extentCount else { throw damage(number, "lies beyond the end of the file") }
    if map.owners[extent] != .pages { map.setOwner(extent, .pages) }
    map.markAllocated(number)
    map.setDead(number, false)
  }

  /// Gives back runs that were never part of any state.
  func abandonRuns(_ runs: [PageRun], lists: [UInt64]) {
    structureLock.withLock {
      for run in runs {
        for number in run.first..<run.first + UInt64(run.count) { map.release(number) }
      }
      for number in lists { map.release(number) }
    }
  }
}
