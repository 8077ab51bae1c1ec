// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport
import Testing

/// A process that writes records, indexes and two-phase commits from eight threads, killed at any
/// moment.
///
/// RECORD_STORE_KILL_ROUNDS is the number of kills.
struct MixedKillTests {
  private static let threads = 8

  @Test
  func `a killed process leaves records, indexes and transactions in doubt as acknowledged`() throws
  {
    let rounds = TestEnvironment.count("RECORD_STORE_KILL_ROUNDS", quick: 300)
    var random = SplitMix64(seed: TestEnvironment.seed)
    let seed = random.next() >> 1
    try withTemporaryDirectory(in: "/var/tmp") { directory in
      let path = directory + "/store"
      let database = try Database.create(at: path)
      try MixedSeries.prepare(database)
      try database.close()
      var history = MixedHistory(MixedSeries.all(Self.threads, seed: seed))
      for round in 0..<rounds {
        let said = try writeAndKill(
          path, seed: seed, after: random.below(250), pause: UInt32(random.below(3000)))
        do {
          try history.verify(path, before: said, after: said) { random.chance(1, in: 2) }
        } catch {
          throw TestFailure("round \(round), seed \(TestEnvironment.seed): \(error)")
        }
      }
    }
  }

  /// Lets a process write, kills it, and returns what it said.
  private func writeAndKill(
    _ path: String, seed: UInt64, after lines: Int, pause: UInt32
  ) throws -> MixedTestimony {
    let writer = try ChildProcess(
      ChildProcess.builtExecutable("crash-writer"), ["mix", path, "\(Self.threads)", "\(seed)"])
    var said = MixedTestimony()
    for _ in 0...lines {
      guard let line = try writer.readLine() else { throw TestFailure("the writer ended") }
      try said.take(line)
    }
    usleep(pause)
    writer.kill()
    while let line = try writer.readLine() { try said.take(line) }
    return said
  }
}
