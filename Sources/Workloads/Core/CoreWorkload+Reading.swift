// SPDX-License-Identifier: Apache-2.0

import Foundation

extension CoreWorkload {
  /// Everything that reads; each row twice, of which the second counts.
  func read(from engine: any MeasuredEngine) throws {
    let positions = SplitMix64.positions(1_000_000, below: size)
    let all = expected(positions.lazy.map(Int.init))
    try readTwice(engine, .get, count: positions.count, all) { reader, table in
      try reader.get(table, positions[...])
    }
    try readTwice(engine, .getTogether, count: positions.count, all) { reader, table in
      var checksum = Checksum()
      for start in stride(from: 0, to: positions.count, by: 32) {
        let end = min(start + 32, positions.count)
        checksum = checksum + (try reader.getTogether(table, positions[start..<end]))
      }
      return checksum
    }
    try readOnTwoThreads(engine, positions)
    let seeks = positions[..<200_000]
    try recorder.rate(.seek, of: seeks.count) {
      let found = try engine.makeReader().seek(table, seeks, steps: 10)
      // A few of the greatest keys have fewer than ten behind them.
      guard found.count > seeks.count * 10 - 1000, found.count <= seeks.count * 10 else {
        throw WorkloadError("\(Row.seek.rawValue) read \(found.count) entries")
      }
    }
    try readTwice(engine, .scan, count: table.count, expected(0..<table.count)) { reader, _ in
      try reader.scan()
    }
  }

  private func readTwice(
    _ engine: any MeasuredEngine, _ row: Row, count: Int, _ expected: Checksum,
    _ body: (any MeasuredReader, RecordTable) throws -> Checksum
  ) throws {
    guard rows.contains(row) else { return }
    let reader = try engine.makeReader()
    try WorkloadError.expect(try body(reader, table), expected, row)
    try recorder.rate(row, of: count) {
      try WorkloadError.expect(try body(reader, table), expected, row)
    }
  }

  private func readOnTwoThreads(_ engine: any MeasuredEngine, _ positions: [Int32]) throws {
    let table = table
    let half = positions.count / 2
    try recorder.rate(.getOnTwoThreads, of: positions.count) {
      try Threads.run(2) { thread in
        let part = thread == 0 ? positions[..<half] : positions[half...]
        let read = try engine.makeReader().get(table, part)
        var expected = Checksum()
        for position in part { expected.add(table.mark(Int(position))) }
        try WorkloadError.expect(read, expected, .getOnTwoThreads)
      }
    }
  }
}
