// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// A commit reserves what it may take, and that is not far from what it takes.
struct ReservationTests {
  struct Load: Sendable, CustomTestStringConvertible {
    let records: Int
    let bytes: Int
    let pageBytes: Int
    var isShuffled = false
    /// How many times the bytes of the records the file may have, log included, beside 4 MiB.
    let factor: Int

    var testDescription: String {
      "\(records) records of \(bytes) bytes, pages of \(pageBytes)\(isShuffled ? ", shuffled" : "")"
    }
  }

  @Test(arguments: [
    Load(records: 8000, bytes: 1800, pageBytes: 8192, factor: 3),
    Load(records: 8000, bytes: 1800, pageBytes: 8192, isShuffled: true, factor: 3),
    // Each value takes a page of its own, of which half stays empty.
    Load(records: 8000, bytes: 1800, pageBytes: 4096, factor: 4),
    Load(records: 10_000, bytes: 100, pageBytes: 8192, factor: 3),
    Load(records: 10_000, bytes: 100, pageBytes: 4096, isShuffled: true, factor: 3),
  ])
  func `a load in one transaction makes a file that is not much larger than its records`(
    _ load: Load
  ) throws {
    try withStore(pageBytes: load.pageBytes) { store in
      try store.commit([.createTree("main")])
      try store.commit(puts(load, numbers: 0..<load.records))
      let bytes = Int(try store.database.information().fileBytes)
      #expect(bytes <= load.factor * load.records * load.bytes + 4 << 20, "\(bytes) bytes")
    }
  }

  @Test(arguments: [false, true])
  func `a second load takes little more than it adds`(_ isBetween: Bool) throws {
    try withStore(pageBytes: 8192) { store in
      let load = Load(records: 40_000, bytes: 200, pageBytes: 8192, factor: 0)
      try store.commit([.createTree("main")])
      try store.commit(puts(load, numbers: 0..<load.records))
      try store.database.checkpoint()
      try store.database.checkpoint()
      let before = Int(try store.database.information().fileBytes)
      let first = isBetween ? 20_000 : 50_000
      try store.commit(puts(load, numbers: first..<first + 2000, suffix: "more"))
      let added = Int(try store.database.information().fileBytes) - before
      #expect(added <= 8 << 20, "\(added) bytes for 400 kB")
    }
  }

  private func puts(_ load: Load, numbers: Range<Int>, suffix: String = "") -> [Change] {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let changes = numbers.map { number in
      let digits = String(number)
      let key = "key " + String(repeating: "0", count: 8 - digits.count) + digits + suffix
      return Workload.put("main", key, random.bytes(load.bytes))
    }
    return load.isShuffled ? changes.shuffled(using: &random) : changes
  }
}
