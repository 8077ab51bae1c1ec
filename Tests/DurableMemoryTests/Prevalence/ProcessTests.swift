// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import Foundation
import StorageEngine
import TestSupport
import Testing

/// Processes that end in the middle.
struct ProcessTests {
  @Test func `a command that traps is not in the journal, and the store opens (P186)`() async throws
  {
    let folder = FileManager.default.temporaryDirectory.path + "/prevalence-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/bank.store"
    await #expect(processExitsWith: .failure) { [path = path as String] in
      let system = try PrevalentSystem.open(at: path, .bank, options: BankStore.options()) {
        Bank()
      }
      try await system.execute(Note(text: "1"))
      _ = try system.submit(Note(text: "2"))
      try await system.execute(Trap())
    }
    for round in 0..<2 {
      let system = try PrevalentSystem.open(at: path, .bank, options: BankStore.options())
      let notes = try system.query { $0.notes }
      #expect(notes.starts(with: ["1"]))
      #expect(!notes.contains("about to trap"), "round \(round)")
      try await system.execute(Note(text: "next"))
      #expect(try system.database.check().isIntact)
      try system.close()
    }
  }

  @Test
  func
    `a killed process leaves every acknowledged command, also within an image (P1, P11, P130, P193)`()
    async throws
  {
    let rounds = TestEnvironment.count("RECORD_STORE_KILL_ROUNDS", quick: 10)
    let folder = FileManager.default.temporaryDirectory.path + "/prevalence-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/bank.store"
    var random = SplitMix64(seed: TestEnvironment.seed)
    let said = folder + "/said"
    try Data().write(to: URL(filePath: said))
    for round in 0..<rounds {
      let pause = UInt32(2000 + random.below(60_000))
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = path as String, said = said as String, pause = pause as UInt32] in
        try Self.work(path, said, pause: pause)
      }
      let acknowledged =
        try String(contentsOfFile: said, encoding: .utf8)
        .split(separator: "\n").last.flatMap { Int($0) } ?? 0
      let system = try PrevalentSystem.open(at: path, .bank, options: BankStore.options()) {
        Bank()
      }
      let (notes, last) = try system.query { ($0.notes, $1.number) }
      #expect(notes.count == Int(last), "round \(round)")
      #expect(notes.enumerated().allSatisfy { $1 == "\($0 + 1)" })
      #expect(Int(last) >= acknowledged, "round \(round), seed \(TestEnvironment.seed)")
      #expect(system.skippedImages.isEmpty)
      #expect(try system.database.check().isIntact)
      try system.close()
    }
    let system = try PrevalentSystem.open(at: path, .bank, options: BankStore.options()) { Bank() }
    #expect(system.lastCommand > UInt64(rounds))
    try system.close()
  }

  /// Executes commands and writes images until it is killed, and says what was acknowledged.
  private static func work(_ path: String, _ said: String, pause: UInt32) throws {
    var options = BankStore.options()
    options.images = ImagePolicy(everyCommands: 7, keptImages: 1)
    let system = try PrevalentSystem.open(at: path, .bank, options: options) { Bank() }
    let output = FileHandle(forWritingAtPath: said)
    try output?.seekToEnd()
    Thread.detachNewThread {
      usleep(pause)
      kill(getpid(), SIGKILL)
    }
    while true {
      let next = system.lastCommand + 1
      try system.execute(Note(text: "\(next)"), durability: next % 3 == 0 ? .written : .synced)
      try output?.write(contentsOf: Data("\(next)\n".utf8))
    }
  }

  @Test func `a second process is refused while the first lives, and not afterwards (P183, P195)`()
    async throws
  {
    let folder = FileManager.default.temporaryDirectory.path + "/prevalence-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/bank.store"
    let system = try PrevalentSystem.open(at: path, .bank, options: BankStore.options()) { Bank() }
    let holder = getpid()
    await #expect(processExitsWith: .exitCode(42)) {
      [path = path as String, holder = holder as Int32] in
      do {
        _ = try PrevalentSystem.open(at: path, .bank, options: BankStore.options()) { Bank() }
      } catch PrevalenceError.engine(.locked(_, holder)) {
        exit(42)
      }
    }
    try await system.execute(Note(text: "undisturbed"))
    try system.close()
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let system = try PrevalentSystem.open(at: path, .bank, options: BankStore.options()) {
        Bank()
      }
      try await system.execute(Note(text: "stale"))
      kill(getpid(), SIGKILL)
    }
    let again = try PrevalentSystem.open(at: path, .bank, options: BankStore.options()) { Bank() }
    #expect(try again.query { $0.notes } == ["undisturbed", "stale"])
    #expect(try again.database.check().isIntact)
    try again.close()
  }
}
