// SPDX-License-Identifier: Apache-2.0

import Foundation

extension CoreWorkload {
  /// Everything that reads; gets on one thread and scans twice, of which the second counts.
  ///
  /// The keys lie in the order in which they are looked for: from all over the table, to get them would
  /// take a third of the time.
  func read(from engine: any MeasuredEngine) throws {
    let positions = SplitMix64.positions(1_000_000, below: size)
    let keys = table.keys(at: positions)
    let order = Self.positions(0..<keys.count)
    let all = expected(positions.lazy.map(Int.init))
    try readTwice(engine, .get, count: keys.count, all) { reader in
      try reader.get(keys, order)
    }
    try readTwice(engine, .getTogether, count: keys.count, all) { reader in
      var checksum = Checksum()
      for start in stride(from: 0, to: keys.count, by: 32) {
        let end = min(start + 32, keys.count)
        checksum = checksum + (try reader.getTogether(keys, order[start..<end]))
      }
      return checksum
    }
    try readOnTwoThreads(engine, positions, keys, order)
    let seeks = positions[..<200_000]
    let sought = rows.contains(.seek) ? expected(seeks, steps: 10) : Checksum()
    try recorder.rate(.seek, of: seeks.count) {
      let found = try engine.makeReader().seek(keys, order[..<seeks.count], steps: 10)
      try WorkloadError.expect(found, sought, .seek)
    }
    try readTwice(engine, .scan, count: table.count, expected(0..<table.count)) { reader in
      try reader.scan()
    }
  }

  /// What seeking each position and reading so many entries from there on should come to.
  private func expected(_ positions: ArraySlice<Int32>, steps: Int) -> Checksum {
    let sorted = table.sortedPositions()
    var ranks = [Int](repeating: 0, count: sorted.count)
    for (rank, position) in sorted.enumerated() { ranks[Int(position)] = rank }
    return positions.reduce(into: Checksum()) { sum, position in
      for found in sorted[ranks[Int(position)]...].prefix(steps) { sum.add(table.mark(Int(found))) }
    }
  }

  private func readTwice(
    _ engine: any MeasuredEngine, _ row: Row, count: Int, _ expected: Checksum,
    _ body: (any MeasuredReader) throws -> Checksum
  ) throws {
    guard rows.contains(row) else { return }
    let reader = try engine.makeReader()
    try WorkloadError.expect(try body(reader), expected, row)
    try recorder.rate(row, of: count) {
      try WorkloadError.expect(try body(reader), expected, row)
    }
  }

  private func readOnTwoThreads(
    _ engine: any MeasuredEngine, _ positions: [Int32], _ keys: RecordTable,
    _ order: ArraySlice<Int32>
  ) throws {
    let half = positions.count / 2
    let sums = [positions[..<half], positions[half...]].map { expected($0.lazy.map(Int.init)) }
    try recorder.rate(.getOnTwoThreads, of: positions.count) {
      try Threads.run(2) { thread in
        let part = thread == 0 ? order[..<half] : order[half...]
        let read = try engine.makeReader().get(keys, part)
        try WorkloadError.expect(read, sums[thread], .getOnTwoThreads)
      }
    }
  }
}
