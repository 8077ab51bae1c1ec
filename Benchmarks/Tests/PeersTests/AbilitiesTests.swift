// SPDX-License-Identifier: Apache-2.0

import Foundation
import Peers
import RecordLayers
import Testing
import Workloads

/// What not every engine has: the workloads check what they read, so that to run them is the test.
@Suite struct AbilitiesTests {
  @Test(arguments: NamedKind.all)
  func `an index of several values a key reads what was written, or is not measured`(
    _ named: NamedKind
  ) throws {
    try withTemporaryFolder { folder in
      let figures = try MultimapWorkload(named.kind, in: folder, size: 3000).run()
      #expect(isWhole(figures, MultimapWorkload.rows, unless: ["WiredTiger"], named.kind))
    }
  }

  @Test(arguments: NamedKind.all)
  func `numbered records read as they were written, or are not measured`(
    _ named: NamedKind
  ) throws {
    try withTemporaryFolder { folder in
      let figures = try SegmentWorkload(named.kind, in: folder, size: 3000).run()
      #expect(isWhole(figures, SegmentWorkload.rows, unless: ["WiredTiger"], named.kind))
    }
  }

  @Test(arguments: NamedKind.all)
  func `a thousand readers see what was committed before each, or are not measured`(
    _ named: NamedKind
  ) throws {
    try withTemporaryFolder { folder in
      let figures = try SnapshotWorkload(named.kind, in: folder, size: 3000).run()
      #expect(isWhole(figures, SnapshotWorkload.rows, unless: ["SQLite"], named.kind))
    }
  }

  /// All rows were measured, or none, of the engines that lack the ability.
  private func isWhole(
    _ figures: [Figure], _ rows: Set<Row>, unless lacking: [String],
    _ kind: any MeasuredEngineKind
  ) -> Bool {
    let lacks = lacking.contains { kind.name.hasPrefix($0) }
    return Set(figures.map(\.row)) == (lacks ? [] : rows)
  }

  @Test(arguments: NamedKind.all)
  func `what several threads commit in two phases is there`(_ named: NamedKind) throws {
    try withTemporaryFolder { folder in
      guard let engine = try named.kind.openTwoPhase(in: folder, cacheBytes: 64 << 20) else {
        return
      }
      let table = RecordTable(0..<200)
      try onThreads(8) { thread in
        let positions = (0..<20).map { Int32(thread * 20 + $0) }
        try engine.commitInTwoPhases(table, positions[...])
      }
      let expected = (0..<160).reduce(into: Checksum()) { $0.add(table.mark($1)) }
      #expect(try engine.get(table, (0..<200).map { Int32($0) }[...]) == expected)
      try engine.close()
    }
  }

  @Test(arguments: LayerKind.all.map(\.name))
  func `a record layer fetches what it inserted`(_ name: String) throws {
    let kind = try #require(LayerKind.all.first { $0.name == name })
    try withTemporaryFolder { folder in
      let figures = try LayerWorkload(kind, in: folder, size: 1000).run()
      #expect(Set(figures.map(\.row)) == Set(LayerWorkload.rows))
    }
  }
}
