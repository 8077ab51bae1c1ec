// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

extension CoreWorkload {
  /// Into a store of its own, which is deleted again.
  func loadSorted() throws {
    let sorted = Array(table.sortedPositions().lazy.filter { Int($0) < size })
    let engine = try open("sorted")
    try recorder.rate(.loadSorted, of: size) {
      try engine.load(table, sorted, sorted: true)
    }
    let read = try engine.makeReader().scan()
    try WorkloadError.expect(read, expected(0..<size), .loadSorted)
    try engine.close()
    try FileManager.default.removeItem(atPath: folder + "/sorted")
  }

  /// Everything that puts.
  func write(to engine: any MeasuredEngine) throws {
    try recorder.rate(.loadRandom, of: size) {
      try engine.load(table, (0..<Int32(size)).map { $0 }, sorted: false)
    }
    var latencies = Latencies()
    try recorder.measure(.commit) {
      for position in parts.single {
        try latencies.add { try engine.put(table, [Int32(position)], flushed: true) }
      }
      return latencies.percentile(0.5)
    }
    recorder.add(.commitSlowest, latencies.percentile(0.99))
    try recorder.rate(.commitsOfThousand, of: parts.thousands.count) {
      for start in stride(
        from: parts.thousands.lowerBound, to: parts.thousands.upperBound, by: 1000)
      {
        try engine.put(table, Self.positions(start..<start + 1000), flushed: true)
      }
    }
    try commit(parts.eight, to: engine, threads: 8, as: .commitsOfEightThreads)
    try commit(parts.many, to: engine, threads: 32, as: .commitsOfManyThreads)
    try recorder.rate(.commitUnflushed, of: parts.unflushed.count) {
      for position in parts.unflushed {
        try engine.put(table, [Int32(position)], flushed: false)
      }
    }
  }

  static func positions(_ range: Range<Int>) -> ArraySlice<Int32> {
    (Int32(range.lowerBound)..<Int32(range.upperBound)).map { $0 }[...]
  }

  /// Durable commits of one record each, spread over threads.
  private func commit(
    _ positions: Range<Int>, to engine: any MeasuredEngine, threads: Int, as row: Row
  ) throws {
    let table = table
    let next = Counter(positions)
    try recorder.rate(row, of: positions.count) {
      try Threads.run(threads) { _ in
        while let position = next.take() {
          try engine.put(table, [Int32(position)], flushed: true)
        }
      }
    }
  }
}

/// Hands out the numbers of a range to threads.
final class Counter: Sendable {
  private let next: Atomic<Int>
  private let end: Int

  init(_ range: Range<Int>) {
    next = Atomic(range.lowerBound)
    end = range.upperBound
  }

  func take() -> Int? {
    let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
    return number < end ? number : nil
  }
}
