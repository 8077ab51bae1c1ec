// SPDX-License-Identifier: Apache-2.0

import Workloads

/// What services do with structs that they store.
public struct LayerWorkload {
  private let kind: LayerKind
  private let folder: String
  private let recorder: Recorder
  /// Articles that are inserted in one transaction, then in one each, with and without flush.
  private let parts: (all: Range<Int>, flushed: Range<Int>, unflushed: Range<Int>)

  /// What this workload measures.
  public static let rows: [Row] = [
    .modelsInsert, .modelsCommit, .modelsCommitUnflushed, .modelsFetch, .modelsFetchByID,
  ]

  /// The workload in an empty folder; at most 100,000 articles, however great the size.
  public init(
    _ kind: LayerKind, in folder: String, size: Int, rows: Set<Row> = Set(Self.rows),
    announce: @escaping (Row) throws -> Void = { _ in }
  ) {
    self.kind = kind
    self.folder = folder
    let count = min(size, 100_000)
    let single = max(1, count / 10)
    // SQLite counts rows from one on.
    parts = (
      1..<count + 1, count + 1..<count + single + 1, count + single + 1..<count + 2 * single + 1
    )
    // Nothing can be done without it.
    recorder = Recorder(
      folder: folder, rows: rows.union([.modelsInsert]), announce: announce)
  }

  /// Does everything and returns what was measured.
  public func run() throws -> [Figure] {
    let layer = try kind.open(folder)
    let articles = Article.generated(parts.all)
    try recorder.rate(.modelsInsert, of: articles.count) { try layer.insert(articles) }
    try fetchTwice(.modelsFetch, articles) { try layer.fetchAll() }
    let ids = SplitMix64.positions(articles.count, below: articles.count).map { Int($0) + 1 }
    try fetchTwice(.modelsFetchByID, ids.map { articles[$0 - 1] }) { try layer.fetch(ids) }
    var stored = articles
    for (row, part, flushed) in [
      (Row.modelsCommit, parts.flushed, true), (.modelsCommitUnflushed, parts.unflushed, false),
    ] where recorder.measures(row) {
      let new = Article.generated(part)
      try recorder.rate(row, of: new.count) { try layer.insertEach(new, flushed: flushed) }
      stored += new
    }
    guard try layer.fetchAll() == stored else {
      throw WorkloadError("\(kind.title) does not hold what was inserted")
    }
    try layer.close()
    return recorder.figures
  }

  /// The second time counts; what is fetched is compared when the time is over.
  private func fetchTwice(
    _ row: Row, _ expected: [Article], _ fetch: () throws -> [Article]
  ) throws {
    guard recorder.measures(row) else { return }
    func check(_ fetched: [Article]) throws {
      guard fetched == expected else {
        throw WorkloadError("\(row.rawValue): \(kind.title) fetched something else")
      }
    }
    try check(try fetch())
    var fetched: [Article] = []
    try recorder.rate(row, of: expected.count) { fetched = try fetch() }
    try check(fetched)
  }
}
