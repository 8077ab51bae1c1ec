// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import Foundation
import StorageEngine
import TestSupport
import Testing

/// Processes that write to maps, killed at any moment.
///
/// RECORD_STORE_MAP_KILLS is the number of kills of each test.
struct MapKillTests {
  private static let rounds = TestEnvironment.count("RECORD_STORE_MAP_KILLS", quick: 6)

  @Test
  func `a killed process with four writers and numbers as keys loses nothing acknowledged (K61)`()
    throws
  {
    try check("numbers", threads: 4) { UInt64($0) << 32 | UInt64($1) }
  }

  @Test
  func `a killed process with four writers and texts as keys loses nothing acknowledged (K62)`()
    throws
  {
    try check("texts", threads: 4) { "thread \($0), key \($1)" }
  }

  @Test
  func `a killed process with one writer and many checkpoints loses nothing acknowledged (K63)`()
    throws
  {
    try check("numbers", threads: 1) { UInt64($0) << 32 | UInt64($1) }
  }

  private func check<Key: DurableCodable>(
    _ mode: String, threads: Int, _ key: @escaping (Int, Int) -> Key
  ) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withTemporaryDirectory(in: "/var/tmp") { directory in
      let path = directory + "/store"
      try Database.create(at: path).close()
      var last = [Int](repeating: 0, count: threads)
      for round in 0..<Self.rounds {
        let pause = UInt32(random.below(3000))
        try writeAndKill([mode, path, "\(threads)"], after: random.below(2000), pause, &last)
        do {
          try verify(path, &last, key)
        } catch {
          throw TestFailure("round \(round), seed \(TestEnvironment.seed): \(error)")
        }
      }
    }
  }

  private func writeAndKill(
    _ arguments: [String], after lines: Int, _ pause: UInt32, _ last: inout [Int]
  ) throws {
    let writer = try ChildProcess(ChildProcess.builtExecutable("map-writer"), arguments)
    guard try writer.readLine() == "ready" else { throw TestFailure("the writer is not ready") }
    func take(_ line: String) throws {
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      guard numbers.count == 2 else { throw TestFailure("the writer said '\(line)'") }
      last[numbers[0]] = numbers[1]
    }
    for _ in 0..<lines {
      guard let line = try writer.readLine() else { throw TestFailure("the writer ended") }
      try take(line)
    }
    usleep(pause)
    writer.kill()
    while let line = try writer.readLine() { try take(line) }
  }

  /// Every acknowledged key is there, and nothing but one more of each thread.
  private func verify<Key: DurableCodable>(
    _ path: String, _ last: inout [Int], _ key: (Int, Int) -> Key
  ) throws {
    let database = try Database.open(at: path)
    let map = try DurableMap<Key, Int>(named: "map", in: database)
    let progress = try DurableMap<Int, Int>(named: "progress", in: database)
    var expected = 0
    for thread in last.indices {
      for number in stride(from: 1, through: last[thread], by: 1) {
        let value = try map.get(key(thread, number))
        guard value == number else { throw TestFailure("\(thread) \(number) is gone") }
      }
      let next = last[thread] + 1
      let isOneMore = try map.contains(key(thread, next))
      let found = try progress.get(thread) ?? 0
      guard found == last[thread] || isOneMore && found == next else {
        throw TestFailure("thread \(thread) is at \(found) instead of \(last[thread])")
      }
      // Every third is written as a batch with the progress.
      guard next % 3 != 0 || isOneMore == (found == next) else {
        throw TestFailure("thread \(thread) has half of batch \(next)")
      }
      expected += last[thread] + (isOneMore ? 1 : 0)
      last[thread] = found
    }
    guard map.count == expected else { throw TestFailure("\(map.count) keys, not \(expected)") }
    map.close()
    progress.close()
    let faults = try database.check().faults
    if let fault = faults.first { throw TestFailure("check: \(fault)") }
    try database.close()
  }
}
