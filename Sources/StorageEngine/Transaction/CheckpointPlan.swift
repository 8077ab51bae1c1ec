// SPDX-License-Identifier: Apache-2.0

/// What the last checkpoint wrote besides trees, so that the next writes only what changed.
struct PersistedMap {
  /// The pages of the extent map, by range of extents; page 0 where none was written yet.
  var mapPages: [PageReference] = []
  /// What each of them contains.
  var payloads: [[UInt8]] = []
  var directoryPages: [UInt64] = []
  var catalogPages: [UInt64] = []
}

/// One state, taken at one moment, and where everything belonging to it will be written.
struct CheckpointPlan {
  /// The group behind which the log goes on.
  let group: CommitGroup
  /// Dirty pages of the state by rank: values, leaves, then branches from the bottom up.
  var ranks: [[UInt64]] = []
  var catalogPages: [UInt64] = []
  var directoryPages: [UInt64] = []
  /// Changed pages of the extent map: index, page, content.
  var mapPages: [(index: Int, number: UInt64, payload: [UInt8])] = []
  /// Pages of the extent map.
  var mapPageCount = 0
  var extentCount = 0
  var lsn: UInt64 { group.state.lsn }
}

/// Making a plan, under the structure lock.
///
/// All that can fail comes first: a plan that cannot be made has taken nothing and retired nothing.
struct CheckpointPlanner {
  let pager: Pager
  let persisted: PersistedMap
  let previousLSN: UInt64

  func plan(_ group: CommitGroup) throws(EngineError) -> CheckpointPlan {
    var plan = CheckpointPlan(group: group)
    pager.trimMap()
    let limit = pager.geometry.valueBytesPerPage
    let catalogCount = Catalog.encode(group.state, limit: limit).count
    try reserve(catalogPages: catalogCount)

    pager.markKept()
    plan.ranks = rankDirtyPages()
    for number in persisted.catalogPages + persisted.directoryPages {
      replace(number, death: group.state.lsn)
    }
    for _ in 0..<catalogCount { plan.catalogPages.append(try pager.takePageNumber()) }
    try planMap(&plan)
    return plan
  }

  /// Makes sure that all pages of the plan can be taken without growing the file: the catalog, and
  /// at worst every page of a map that has grown with the file since the last checkpoint.
  private func reserve(catalogPages: Int) throws(EngineError) {
    while true {
      let mapPages = mapPageCount
      let needed = catalogPages + mapPages + directoryPageCount(mapPages: mapPages)
      try pager.ensure(pages: needed)
      // What was added to the file may need a further page of the map.
      if mapPageCount == mapPages { return }
    }
  }

  private var mapPageCount: Int {
    let perPage = ExtentMap.entriesPerPage(pager.geometry)
    return (pager.map.extentCount + perPage - 1) / perPage
  }

  private func directoryPageCount(mapPages: Int) -> Int {
    let perPage = pager.geometry.valueBytesPerPage / PageLayout.referenceBytes
    return (mapPages + perPage - 1) / perPage
  }

  /// Gives map pages that changed a new place.
  ///
  /// Taking a page changes the map, so this repeats until every changed page has its place.
  private func planMap(_ plan: inout CheckpointPlan) throws(EngineError) {
    let perPage = ExtentMap.entriesPerPage(pager.geometry)
    let extents = pager.map.extentCount
    for _ in 0..<directoryPageCount(mapPages: mapPageCount) {
      plan.directoryPages.append(try pager.takePageNumber())
    }
    // Of a map that has become shorter these are not needed, which what is written has to say.
    for page in persisted.mapPages.dropFirst(mapPageCount) {
      replace(page.number, death: plan.lsn)
    }
    var places: [Int: UInt64] = [:]
    while true {
      let reachable = pager.map.reachable()
      let payloads = (0..<mapPageCount).map { index in
        pager.map.encode(
          index * perPage..<min((index + 1) * perPage, extents), reachable: reachable)
      }
      let changed = payloads.indices.filter {
        $0 >= persisted.payloads.count || payloads[$0] != persisted.payloads[$0]
      }
      let missing = changed.filter { places[$0] == nil }
      if missing.isEmpty {
        plan.extentCount = extents
        plan.mapPageCount = payloads.count
        plan.mapPages = places.sorted { $0.key < $1.key }.map { index, number in
          (index, number, payloads[index])
        }
        return
      }
      for index in missing {
        places[index] = try pager.takePageNumber()
        if index < persisted.mapPages.count {
          replace(persisted.mapPages[index].number, death: plan.lsn)
        }
      }
    }
  }

  /// Retires a page of the last checkpoint that only this one still needs.
  private func replace(_ number: UInt64, death: UInt64) {
    pager.map.setDead(number, true)
    pager.heldByCheckpoints.append(
      RetiredPage(number: number, birth: previousLSN, death: death))
  }

  private func rankDirtyPages() -> [[UInt64]] {
    var ranks: [[UInt64]] = []
    for number in pager.pool.lock.withLock({ pager.pool.dirtyPages() }) {
      guard !pager.map.isDead(number), let frame = pager.pool.table[number].frame else { continue }
      let page = pager.pool.page(inFrame: frame)
      let rank = page.kind == PageKind.value.rawValue ? 0 : 1 + page.level
      while ranks.count <= rank { ranks.append([]) }
      ranks[rank].append(number)
    }
    return ranks
  }
}
