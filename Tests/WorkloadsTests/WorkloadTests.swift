// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import Workloads

/// Nothing is measured that reads something else than was written.
@Suite struct WorkloadTests {
  private static let rows: Set<Row> = [
    .loadSorted, .loadRandom, .get, .getTogether, .getOnTwoThreads, .scan, .deleteHalf,
    .reopenClean, .finalSize, .peakMemory,
  ]

  private func run(_ kind: any MeasuredEngineKind, _ rows: Set<Row> = rows) throws -> [Figure] {
    try withTemporaryDirectory { folder in
      try CoreWorkload(kind, in: folder, size: 2000, cacheBytes: 16 << 20, rows: rows).run()
    }
  }

  @Test func `every row that is asked for is measured once, and no other`() throws {
    let figures = try run(StorageEngineKind())
    #expect(figures.map(\.row.rawValue).sorted() == Self.rows.map(\.rawValue).sorted())
    for figure in figures { #expect(figure.value > 0, "\(figure.row)") }
  }

  @Test func `an engine without a fault is measured`() throws {
    #expect(try run(DictionaryEngineKind()).count == Self.rows.count)
  }

  @Test(arguments: DictionaryEngineKind.Fault.allCases)
  func `an engine that does something wrong is not measured`(
    _ fault: DictionaryEngineKind.Fault
  ) throws {
    #expect(throws: WorkloadError.self) { try run(DictionaryEngineKind(fault: fault)) }
  }

  @Test func `rows have numbers, and a unit in which values are told to people`() {
    #expect(Row.commitsOfEightThreads.number == "W5")
    #expect(Row.allCases.allSatisfy { !$0.number.isEmpty && !$0.title.isEmpty })
    #expect(Row.Unit.perSecond.text(1_234_567) == "1.23 M/s")
    #expect(Row.Unit.seconds.text(0.000_114) == "114 µs")
    #expect(Row.Unit.ofLive.text(1.2) == "1.20 ×")
  }
}
