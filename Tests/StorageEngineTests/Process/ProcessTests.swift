// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport
import Testing

/// Real files and real processes, which are killed at any moment.
///
/// RECORD_STORE_KILL_ROUNDS is the number of kills of `MixedKillTests`; here it is a fifteenth.
struct ProcessTests {
  @Test(arguments: [1, 6])
  func `a killed process loses no acknowledged transaction`(_ threads: Int) throws {
    let rounds = max(1, TestEnvironment.count("RECORD_STORE_KILL_ROUNDS", quick: 300) / 15)
    var random = SplitMix64(seed: TestEnvironment.seed)
    let seed = random.next() >> 1
    try withTemporaryDirectory(in: "/var/tmp") { directory in
      let path = directory + "/store"
      let database = try Database.create(at: path)
      try database.write { _ = try $0.createTree(named: ScriptedSeries.tree) }
      try database.close()
      let all = (0..<threads).map { ScriptedSeries($0, seed: seed) }
      var history = SeriesHistory(all)
      for round in 0..<rounds {
        let acknowledged = try writeAndKill(
          path, all, seed: seed, after: random.below(400), pause: UInt32(random.below(3000)))
        try history.verify(path, acknowledged, "round \(round), seed \(TestEnvironment.seed)")
      }
    }
  }

  /// Lets a process write, kills it, and returns the last transaction it printed of each series.
  func writeAndKill(
    _ path: String, _ all: [ScriptedSeries], seed: UInt64, after lines: Int, pause: UInt32
  ) throws -> [Int: Int] {
    let writer = try ChildProcess(
      ChildProcess.builtExecutable("crash-writer"), ["write", path, "\(all.count)", "\(seed)"])
    var acknowledged: [Int: Int] = [:]
    func take(_ line: String) throws {
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      guard numbers.count == 2 else { throw TestFailure("the writer said '\(line)'") }
      acknowledged[numbers[0]] = numbers[1]
    }
    let greeting = try writer.readLine()
    guard greeting == "ready" else { throw TestFailure("the writer said \(greeting ?? "nothing")") }
    for _ in 0..<lines {
      guard let line = try writer.readLine() else { throw TestFailure("the writer ended") }
      try take(line)
    }
    usleep(pause)
    writer.kill()
    while let line = try writer.readLine() { try take(line) }
    return acknowledged
  }

  @Test
  func `a store that another process holds is refused and names it`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try Database.create(at: path).close()
      let holder = try ChildProcess(
        ChildProcess.builtExecutable("crash-writer"), ["open", path])
      #expect(try holder.readLine() == "open")
      #expect(throws: EngineError.locked(path: path, holder: holder.identifier)) {
        _ = try Database.open(at: path)
      }
      holder.endInput()
      #expect(try holder.readLine() == "closed")
      holder.wait()
      #expect(holder.terminationStatus == 0)
      try Database.open(at: path).close()
    }
  }

  @Test
  func `a store without permission is refused`() throws {
    try withTemporaryDirectory { directory in
      let path = directory + "/store"
      try Database.create(at: path).close()
      _ = unsafe chmod(directory, 0o755)
      _ = unsafe chmod(path, 0o400)
      var command = [try ChildProcess.builtExecutable("crash-writer"), "open", path]
      // Nothing is forbidden to root, so a process of root's gives up being it.
      let clear = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"]
      if geteuid() == 0 { command = ["/usr/bin/setpriv"] + clear + command }
      let opener = try ChildProcess(command[0], Array(command.dropFirst()))
      let answer = try opener.readLine() ?? ""
      #expect(answer.hasPrefix("error: open of \(path) failed: "), "\(answer)")
      #expect(answer.hasSuffix("ermission denied"), "\(answer)")
    }
  }
}

/// What the store of a killed writer should hold, carried on from kill to kill.
struct SeriesHistory {
  private let all: [ScriptedSeries]
  private var progress: [Int]
  private var model = Model()

  init(_ all: [ScriptedSeries]) {
    self.all = all
    progress = all.map { _ in 0 }
    model.apply(.createTree(ScriptedSeries.tree))
  }

  /// Opens the store and checks that each series ends with the last acknowledged transaction or
  /// the one after it, which may have been under way, and that nothing else is there.
  mutating func verify(_ path: String, _ acknowledged: [Int: Int], _ place: String) throws {
    do {
      let database = try Database.open(at: path)
      let reader = try database.snapshot()
      for series in all {
        let found = try series.progress(in: reader)
        let least = acknowledged[series.number] ?? progress[series.number]
        guard (least...(least + 1)).contains(found) else {
          throw TestFailure("series \(series.number) is at \(found) instead of \(least)")
        }
        while progress[series.number] < found {
          progress[series.number] += 1
          model.apply(series.changes(progress[series.number]))
        }
      }
      try model.verify(reader)
      let faults = try database.check().faults
      if let fault = faults.first { throw TestFailure("check: \(fault)") }
      reader.close()
      try database.close()
    } catch {
      throw TestFailure("\(place): \(error)")
    }
  }
}
