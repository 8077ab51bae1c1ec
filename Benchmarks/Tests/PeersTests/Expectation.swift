// SPDX-License-Identifier: Apache-2.0

import Foundation
import Peers
import Testing
import Workloads

/// What a store is to hold: for each record of a table, the position its value comes from.
struct Expectation {
  let table: RecordTable
  private var sources: [Int?]
  private let sorted: [Int32]

  init(_ table: RecordTable) {
    self.table = table
    sources = Array(repeating: nil, count: table.count)
    sorted = table.sortedPositions()
  }

  mutating func put(_ position: Int32, shift: Int = 0) {
    sources[Int(position)] = (Int(position) + shift) % table.count
  }

  mutating func delete(_ position: Int32) {
    sources[Int(position)] = nil
  }

  /// Asks a new reader for everything.
  func check(_ engine: any MeasuredEngine) throws {
    try check(engine.makeReader())
  }

  /// Asks a reader for everything, in slices that do not begin at 0.
  func check(_ reader: any MeasuredReader) throws {
    // Some come twice, some are not there.
    let asked = (SplitMix64.positions(3000, below: table.count) + [0, 0, 1, 1])[7...]
    let expected = asked.reduce(into: Checksum()) { add($1, to: &$0) }
    #expect(try reader.get(table, asked) == expected)
    #expect(try reader.getTogether(table, asked) == expected)
    let everything = sorted.reduce(into: Checksum()) { add($1, to: &$0) }
    #expect(try reader.scan() == everything)
    let last = sorted.suffix(3)
    for steps in [1, 10] {
      // The last keys have fewer entries after them than steps.
      for keys in [asked.prefix(500), last] {
        #expect(try reader.seek(table, keys, steps: steps) == sought(keys, steps: steps))
      }
    }
    #expect(try reader.seek(table, asked, steps: 0) == Checksum())
  }

  private func add(_ position: Int32, to checksum: inout Checksum) {
    if let source = sources[Int(position)] { checksum.add(table.mark(source)) }
  }

  private func sought(_ keys: ArraySlice<Int32>, steps: Int) -> Checksum {
    var places = [Int](repeating: 0, count: table.count)
    for (place, position) in sorted.enumerated() { places[Int(position)] = place }
    var checksum = Checksum()
    for key in keys {
      let entries = sorted[places[Int(key)]...].lazy.filter { sources[Int($0)] != nil }
      for position in entries.prefix(steps) { add(position, to: &checksum) }
    }
    return checksum
  }
}

/// Runs `body` with the path of a new folder, which is removed afterwards.
func withTemporaryFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "peers-test-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path)
}

/// Runs `body` on several threads at the same time, waits for all, and throws what one threw.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
  let outcome = Outcome()
  let group = DispatchGroup()
  for index in 0..<count {
    group.enter()
    let thread = Thread {
      do { try body(index) } catch { outcome.record(error) }
      group.leave()
    }
    thread.start()
  }
  group.wait()
  if let error = outcome.first { throw error }
}

private final class Outcome: @unchecked Sendable {
  private let lock = NSLock()
  private var error: (any Error)?

  var first: (any Error)? { lock.withLock { error } }

  func record(_ failure: any Error) {
    lock.withLock { error = error ?? failure }
  }
}
