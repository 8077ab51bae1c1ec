// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Commits in two phases, as of a transaction that other stores have a part in.
public struct TwoPhaseWorkload {
  private let kind: any MeasuredEngineKind
  private let folder: String
  private let recorder: Recorder

  /// What this workload measures.
  public static let rows: Set<Row> = [.twoPhases, .twoPhasesOfEightThreads]

  /// The workload in an empty folder.
  public init(
    _ kind: any MeasuredEngineKind, in folder: String, rows: Set<Row> = Self.rows,
    announce: @escaping (Row) throws -> Void = { _ in }
  ) {
    self.kind = kind
    self.folder = folder
    recorder = Recorder(folder: folder, rows: rows, announce: announce)
  }

  /// Does everything and returns what was measured; nothing where the engine has no such commits.
  public func run() throws -> [Figure] {
    let path = folder + "/phases"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard let engine = try kind.openTwoPhase(in: path, cacheBytes: 1 << 30) else { return [] }
    let single = 0..<2000
    let many = 2000..<10_000
    let table = RecordTable(0..<UInt64(many.upperBound))
    try commit(table, single, to: engine, threads: 1, as: .twoPhases)
    try commit(table, many, to: engine, threads: 8, as: .twoPhasesOfEightThreads)
    try engine.close()
    return recorder.figures
  }

  private func commit(
    _ table: RecordTable, _ positions: Range<Int>, to engine: any MeasuredTwoPhaseEngine,
    threads: Int, as row: Row
  ) throws {
    try recorder.rate(row, of: positions.count) {
      let next = Counter(positions)
      try Threads.run(threads) { _ in
        while let position = next.take() {
          try engine.commitInTwoPhases(table, [Int32(position)])
        }
      }
    }
    guard recorder.measures(row) else { return }
    let read = try engine.get(table, positions.map { Int32($0) }[...])
    try WorkloadError.expect(read, table.checksum(of: positions), row)
  }
}
