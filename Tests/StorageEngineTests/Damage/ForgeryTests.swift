// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport
import Testing

/// Hostile files: intact as far as any checksum tells, but made to mislead.
///
/// Nothing that a file says may crash the process, hang it, or lead outside its memory; an error,
/// or wrong data, is all that a forger may get. RECORD_STORE_FORGERIES is the number of forgeries;
/// with RECORD_STORE_TRACE the seed of each is printed before it is tried, to find the one that
/// ended the process.
struct ForgeryTests {
  private static let count = TestEnvironment.count("RECORD_STORE_FORGERIES", quick: 1500)

  @Test(arguments: DamageTests.Kind.allCases)
  func `a forged store gives typed errors at most`(_ kind: DamageTests.Kind) throws {
    let subject = try kind.subject()
    let blocks = subject.usedBlocks
    for number in 0..<Self.count {
      let seed = TestEnvironment.seed &+ UInt64(number)
      if TestEnvironment.text("RECORD_STORE_TRACE") != nil {
        FileHandle.standardError.write(Data("\(kind) RECORD_STORE_SEED=\(seed)\n".utf8))
      }
      var random = SplitMix64(seed: seed)
      var forgery = Forgery(subject.image, blocks: blocks)
      forgery.forge(&random)
      do {
        try use(forgery.image, subject.workload)
      } catch is EngineError {
      } catch {
        Issue.record("RECORD_STORE_SEED=\(seed): \(error)")
      }
    }
  }

  @Test(arguments: DamageTests.Kind.allCases)
  func `forgeries reach what lies behind the checksums`(_ kind: DamageTests.Kind) throws {
    let subject = try kind.subject()
    let blocks = subject.usedBlocks
    var opened = 0
    for seed in 0..<100 {
      var random = SplitMix64(seed: UInt64(seed))
      var forgery = Forgery(subject.image, blocks: blocks)
      forgery.forge(&random)
      let disk = SimulatedDisk(forgery.image)
      let configuration = subject.workload.configuration(scheduler: ManualScheduler())
      if (try? Database.open(on: disk, configuration: configuration)) != nil { opened += 1 }
    }
    #expect(opened > 20)
  }

  /// Does with a store whatever can be done; each step may fail.
  private func use(_ image: DiskImage, _ workload: Workload) throws {
    let disk = SimulatedDisk(image, capacity: 64 << 20)
    let configuration = workload.configuration(scheduler: ManualScheduler())
    let database = try Database.open(on: disk, configuration: configuration)
    try attempt { _ = try database.check() }
    try attempt { try read(try database.snapshot()) }
    for name in ["main", "second", "third", Marks.tree] {
      try attempt {
        try database.write { transaction in
          guard let tree = try transaction.tree(named: name) else { return }
          _ = try transaction.count(of: tree)
          for number in 0..<40 {
            let key = Array(Workload.key(0, number * 3).utf8)
            if number % 2 == 0 {
              try transaction.delete(key, in: tree)
            } else {
              try transaction.put([UInt8](repeating: 1, count: number * 60), forKey: key, in: tree)
            }
          }
          try transaction.put([1], forKey: Array("large".utf8), in: tree)
          try read(transaction)
        }
      }
      try attempt { try database.checkpoint() }
    }
    for name in ["second", "main"] {
      try attempt {
        try database.write { transaction in
          guard let tree = try transaction.tree(named: name) else { return }
          try transaction.dropTree(tree)
        }
      }
    }
    try attempt { _ = try database.check() }
    try attempt { try database.close() }
    if let violation = disk.violations.first { throw TestFailure(violation) }
  }

  private func attempt(_ body: () throws -> Void) throws {
    do { try body() } catch is EngineError {}
  }

  private func read(_ reader: any TreeReader) throws {
    for (_, tree) in try reader.trees() {
      for reversed in [false, true] {
        try attempt {
          let cursor = try reader.cursor(in: tree, range: .all, reversed: reversed)
          var steps = 0
          while try cursor.next(), steps < 100_000 {
            _ = try cursor.value()
            steps += 1
          }
          if steps == 100_000 { throw TestFailure("a cursor goes on without end") }
        }
      }
      for number in 0..<120 {
        try attempt { _ = try reader.value(forKey: Array(Workload.key(0, number).utf8), in: tree) }
      }
      try attempt { _ = try reader.value(forKey: Array("large".utf8), in: tree) }
    }
  }
}
