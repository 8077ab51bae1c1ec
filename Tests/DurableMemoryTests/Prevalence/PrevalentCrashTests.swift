// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Power cuts at every call to the disk, also inside images and removals.
struct CrashTests {
  @Test
  func
    `a power cut at any call loses nothing that was acknowledged, also within an image (P193, P208, P210)`()
    throws
  {
    let disk = SimulatedDisk(recordsHistory: true)
    let bank = try BankStore(on: disk) { $0.images.keptImages = 1 }
    // After so many calls to the disk so many commands were acknowledged.
    var acknowledged: [(calls: Int, count: UInt64)] = [(disk.mutations, 0)]
    var number = 0
    func execute(_ durability: Durability) throws {
      number += 1
      try bank.system.execute(Note(text: "\(number)"), durability: durability)
      if durability == .synced { acknowledged.append((disk.mutations, UInt64(number))) }
    }
    for round in 0..<4 {
      for _ in 0..<4 { try execute(.synced) }
      try execute(.manual)
      if round % 2 == 0 { try bank.database.checkpoint() }
      try bank.system.writeImage()
      acknowledged.append((disk.mutations, UInt64(number)))
      if round == 2 {
        try bank.system.execute(LongText(text: [UInt8](repeating: 3, count: 100_000)))
        number += 1
        acknowledged.append((disk.mutations, UInt64(number)))
      }
    }
    let first = acknowledged[0].calls
    let last = disk.mutations
    let step = TestEnvironment.count("RECORD_STORE_CRASH_STRIDE", quick: 3)
    var opened = 0
    for call in stride(from: first, through: last, by: step) {
      let least = acknowledged.last { $0.calls <= call }?.count ?? 0
      for variant in disk.variants(atMutation: call) {
        let crashed = disk.crashed(atMutation: call, variant, seed: TestEnvironment.seed)
        do {
          let left = try BankStore(opening: crashed) { $0.images.keptImages = 1 }
          let count = left.system.lastCommand
          guard count >= least, count <= UInt64(number) else {
            throw TestFailure("\(count) commands of at least \(least)")
          }
          guard try left.model.notes.count == Int(count) else {
            throw TestFailure("notes: \(try left.model.notes)")
          }
          guard left.system.skippedImages.isEmpty else {
            throw TestFailure("skipped: \(left.system.skippedImages)")
          }
          try left.system.execute(Note(text: "next"))
          try left.system.writeImage()
          guard try left.journal.isEmpty, try left.images == [count + 1] else {
            throw TestFailure("remains: \(try left.images), \(try left.journal)")
          }
          try left.finish()
          opened += 1
        } catch {
          throw TestFailure("call \(call), \(variant), seed \(TestEnvironment.seed): \(error)")
        }
      }
    }
    #expect(opened > 20)
    try bank.finish()
  }

  @Test
  func `a power cut at any call within a long image leaves it whole or no trace (P193, P210)`()
    throws
  {
    let disk = SimulatedDisk(recordsHistory: true)
    let bank = try BankStore(on: disk)
    for number in 0..<30 {
      try bank.system.execute(Note(text: String(repeating: "\(number % 10)", count: 30_000)))
    }
    let model = try bank.model
    let first = disk.mutations
    try bank.system.writeImage()
    var (whole, none) = (0, 0)
    for call in first...disk.mutations {
      for variant in disk.variants(atMutation: call) {
        let crashed = disk.crashed(atMutation: call, variant, seed: TestEnvironment.seed)
        do {
          let left = try BankStore(opening: crashed)
          guard try left.model == model, left.system.skippedImages.isEmpty else {
            throw TestFailure("skipped: \(left.system.skippedImages)")
          }
          let images = try left.images
          guard images == [30, 0] || images == [0] else { throw TestFailure("images: \(images)") }
          if images == [0] { none += 1 } else { whole += 1 }
          let trees = try left.database.read { view in
            try view.trees().count { $0.name.hasPrefix("memory/system/main/image/") }
          }
          guard trees == images.count else { throw TestFailure("\(trees) trees") }
          try left.finish()
        } catch {
          throw TestFailure("call \(call), \(variant), seed \(TestEnvironment.seed): \(error)")
        }
      }
    }
    #expect(whole > 0 && none > 0, "\(whole) whole, \(none) not there")
    try bank.finish()
  }

  @Test func `what an unfinished image has left is no image, and goes with the next (P110, P193)`()
    throws
  {
    try withBank(adjust: { $0.images.keptImages = 1 }) { bank in
      for number in 1...3 { try bank.system.execute(Note(text: "\(number)")) }
      try bank.database.write { transaction in
        let tree = try transaction.createTree(named: "memory/system/main/image/3")
        try transaction.put([1, 2, 3], forKey: PrevalentKey.of(0), in: tree)
      }
      try bank.reopen()
      #expect(bank.system.lastImage == 0)
      #expect(bank.system.skippedImages.isEmpty)
      #expect(try bank.system.writeImage() == 3)
      #expect(
        try bank.database.read { view in
          try view.trees().count { $0.name.hasPrefix("memory/system/main/image/") }
        } == 1)
    }
  }

  @Test
  func `commands that are not idempotent are executed exactly once after a crash (P176, P208)`()
    throws
  {
    try withBank { bank in
      for number in 1...7 {
        try bank.system.execute(Note(text: "\(number)"))
        try bank.system.execute(Reverse())
        if number % 3 == 0 { try bank.system.writeImage() }
        let model = try bank.model
        try bank.crash(number % 2 == 0 ? .loseAll : .torn)
        #expect(try bank.model == model)
      }
    }
  }
}
