// SPDX-License-Identifier: Apache-2.0

/// Everything that is measured of an engine, in one process.
public struct EngineWorkload {
  private let kind: any MeasuredEngineKind
  private let folder: String
  private let size: Int
  private let rows: Set<Row>
  private let announce: (Row) throws -> Void

  /// The rows that it has.
  public static let rows = core.union(mixed).union(abilities).union([.shrunkSize])

  private static let mixed: Set<Row> = [
    .halfUpdates, .flushedUpdatesAmongGets, .commitDuringCheckpoints, .operationsFlushed,
    .operationsUnflushed,
  ]

  /// What not every engine has.
  private static let abilities = TwoPhaseWorkload.rows.union(SnapshotWorkload.rows)
    .union(MultimapWorkload.rows).union(SegmentWorkload.rows)

  private static let core: Set<Row> = [
    .loadRandom, .loadSorted, .commit, .commitSlowest, .commitsOfThousand, .commitsOfEightThreads,
    .commitsOfManyThreads, .commitUnflushed, .get, .getTogether, .getOnTwoThreads, .seek, .scan,
    .deleteHalf, .loadedSize, .finalSize, .reopenClean, .peakMemory,
  ]

  /// The rows asked for, over `size` records, in an empty folder.
  ///
  /// `announce` is called when a row begins; what it throws ends the run.
  public init(
    _ kind: any MeasuredEngineKind, in folder: String, size: Int, rows: Set<Row> = Self.rows,
    announce: @escaping (Row) throws -> Void = { _ in }
  ) {
    self.kind = kind
    self.folder = folder
    self.size = size
    self.rows = rows.intersection(Self.rows)
    self.announce = announce
  }

  /// Does everything and returns what was measured.
  public func run() throws -> [Figure] {
    var figures: [Figure] = []
    if isWanted(Self.core) {
      figures += try CoreWorkload(
        kind, in: folder, size: size, rows: rows, announce: announce
      ).run()
    }
    if isWanted(Self.mixed) {
      figures += try MixedWorkload(
        kind, in: folder, size: size, rows: rows, announce: announce
      ).run()
    }
    if isWanted([.shrunkSize]) {
      figures += try SpaceWorkload(
        kind, in: folder, size: size, rows: rows, announce: announce
      ).run()
    }
    figures += try runAbilities()
    return figures.filter { rows.contains($0.row) }
  }

  private func runAbilities() throws -> [Figure] {
    var figures: [Figure] = []
    if isWanted(TwoPhaseWorkload.rows) {
      figures += try TwoPhaseWorkload(kind, in: folder, rows: rows, announce: announce).run()
    }
    if isWanted(SnapshotWorkload.rows) {
      figures += try SnapshotWorkload(
        kind, in: folder, size: size, rows: rows, announce: announce
      ).run()
    }
    if isWanted(MultimapWorkload.rows) {
      figures += try MultimapWorkload(
        kind, in: folder, size: size, rows: rows, announce: announce
      ).run()
    }
    if isWanted(SegmentWorkload.rows) {
      figures += try SegmentWorkload(
        kind, in: folder, size: size, rows: rows, announce: announce
      ).run()
    }
    return figures
  }

  private func isWanted(_ some: Set<Row>) -> Bool { !rows.isDisjoint(with: some) }
}
