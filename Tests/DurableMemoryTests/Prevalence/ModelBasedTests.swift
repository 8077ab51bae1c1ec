// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Random histories against a plain model, alone and side by side.
struct ModelBasedTests {
  @Test
  func
    `random histories of commands, failures, images, closings and kills give what a plain model gives (P22, P144, P145, P174)`()
    throws
  {
    let rounds = TestEnvironment.count("RECORD_STORE_ROUNDS", quick: 12)
    for round in 0..<rounds {
      let seed = TestEnvironment.seed &+ UInt64(round)
      do {
        try history(seed: seed, steps: 150)
      } catch {
        throw TestFailure("seed \(seed): \(error)")
      }
    }
  }

  private func history(seed: UInt64, steps: Int) throws {
    var random = SplitMix64(seed: seed)
    let bank = try BankStore { options in
      options.images = ImagePolicy(
        everyCommands: UInt64(3 + random.below(20)), keptImages: 1 + random.below(3))
      options.hashInterval = UInt64(random.below(4))
      options.keepsSecondCopy = random.chance(1, in: 2)
    }
    var model = Bank()
    // What is durable: all of it, or the state after the last synced command.
    var durable = (model: model, number: UInt64(0))
    var number: UInt64 = 0
    var views: [(ModelView<Bank>, Bank)] = []
    for _ in 0..<steps {
      switch random.below(20) {
      case 0..<11:
        let isSynced = random.chance(1, in: 3)
        if try step(bank, &model, &random, isSynced ? .synced : .manual) {
          number += 1
          if isSynced { durable = (model, number) }
        }
      case 11:
        try bank.system.writeImage()
        durable = (model, number)
      case 12: bank.imager.runAll()
      case 13: views.append((try bank.system.view(), model))
      case 14: if !views.isEmpty { views.remove(at: random.below(views.count)) }
      case 15:
        try bank.database.checkpoint()
        durable = (model, number)
      case 16:
        try bank.reopen()
        durable = (model, number)
      case 17:
        try bank.crash(.loseAll)
        // What was only manual may have become durable with others.
        let left = bank.system.lastCommand
        guard left >= durable.number, left <= number else {
          throw TestFailure("\(left) commands left of \(durable.number)…\(number)")
        }
        (model, number) = (try bank.model, left)
        durable = (model, number)
      default: break
      }
      guard try bank.model == model, bank.system.lastCommand == number else {
        throw TestFailure("\(try bank.model) instead of \(model)")
      }
      for (view, expected) in views where view.model != expected {
        throw TestFailure("a view changed to \(view.model)")
      }
    }
    try bank.finish()
  }

  /// Executes a random command on both; false when it was refused by both.
  private func step(
    _ bank: BankStore, _ model: inout Bank, _ random: inout SplitMix64, _ durability: Durability
  ) throws -> Bool {
    let accounts = ["a", "b", "c"]
    let (from, to) = (accounts[random.below(3)], accounts[random.below(3)])
    let amount = random.below(10)
    switch random.below(4) {
    case 0:
      model.accounts[from, default: 0] += amount
      let sum = try bank.system.execute(
        Deposit(account: from, amount: amount), durability: durability)
      guard sum == model.accounts[from] else { throw TestFailure("a sum of \(sum)") }
    case 1:
      let isPossible = model.accounts[from, default: 0] >= amount
      do {
        try bank.system.execute(
          Transfer(from: from, to: to, amount: amount), durability: durability)
      } catch BankError.notEnough {
        guard !isPossible else { throw TestFailure("refused") }
        return false
      }
      guard isPossible else { throw TestFailure("not refused") }
      model.accounts[from, default: 0] -= amount
      model.accounts[to, default: 0] += amount
      model.notes += ["took \(amount) from \(from)", "gave \(amount) to \(to)"]
    case 2:
      let amount = model.accounts.removeValue(forKey: from)
      do {
        let found = try bank.system.execute(Close(account: from), durability: durability)
        guard found == amount else { throw TestFailure("closed with \(found)") }
      } catch BankError.noAccount {
        guard amount == nil else { throw TestFailure("refused") }
        return false
      }
    default:
      model.notes.reverse()
      try bank.system.execute(Reverse(), durability: durability)
    }
    return true
  }

  /// What a thread did, and between which moments.
  struct Act: Sendable {
    let begin: UInt64
    let end: UInt64
    /// The value after an increase, or that was read.
    let value: Int
    let isIncrease: Bool
  }

  @Test(arguments: [false, true])
  func `histories of many threads are linearisable (P175, P209)`(keepsSecondCopy: Bool) throws {
    try withBank(adjust: {
      $0.keepsSecondCopy = keepsSecondCopy
      $0.images = ImagePolicy(everyCommands: 100)
      $0.scheduler = nil
    }) { bank in
      bank.disk.setFlushDelay(microseconds: 200)
      let system = bank.system
      let clock = Guarded<UInt64>(0)
      let acts = SharedList<Act>()
      @Sendable func now() -> UInt64 {
        clock.withLock { clock in
          clock += 1
          return clock
        }
      }
      try runThreads(8) { thread in
        var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(thread))
        for _ in 0..<60 {
          let begin = now()
          let isIncrease = random.chance(1, in: 2)
          let durability: Durability = random.chance(1, in: 4) ? .manual : .synced
          let value =
            isIncrease
            ? try system.execute(Deposit(account: "a", amount: 1), durability: durability)
            : try system.query { $0.accounts["a"] ?? 0 }
          acts.append(Act(begin: begin, end: now(), value: value, isIncrease: isIncrease))
        }
      }
      bank.disk.setFlushDelay(microseconds: 0)
      // A counter: the value orders everything. Whatever ended before another began has no higher one,
      // and an increase a lower one than every increase after it.
      let all = acts.elements
      let increases = all.filter(\.isIncrease).map(\.value).sorted()
      #expect(increases == Array(1...increases.count))
      for first in all {
        for second in all where first.end < second.begin {
          let isOrdered =
            second.isIncrease ? first.value < second.value : first.value <= second.value
          #expect(isOrdered, "\(first) before \(second), seed \(TestEnvironment.seed)")
          if !isOrdered { return }
        }
      }
      // Before closing, whatever still writes an image has to be done.
      try system.writeImage()
    }
  }

  @Test
  func `writers, readers and images at once, and the reopened state is the live one (P129, P161)`()
    throws
  {
    try withBank(adjust: { $0.durability = .manual }) { bank in
      let system = bank.system
      for account in 0..<20 { try system.execute(Deposit(account: "\(account)", amount: 50)) }
      let writers = Guarded(6)
      try runThreads(16) { thread in
        var random = SplitMix64(seed: TestEnvironment.seed &+ UInt64(thread))
        if thread < 6 {
          defer { writers.withLock { $0 -= 1 } }
          for _ in 0..<1500 {
            let (from, to) = ("\(random.below(20))", "\(random.below(20))")
            do {
              try system.execute(Transfer(from: from, to: to, amount: random.below(30)))
            } catch BankError.notEnough {}
          }
        } else if thread == 6 {
          while writers.withLock({ $0 }) > 0 { try system.writeImage() }
        } else {
          while writers.withLock({ $0 }) > 0 {
            guard try system.query({ $0.total }) == 1000 else {
              throw TestFailure("half a transfer")
            }
          }
        }
      }
      #expect(try bank.model.total == 1000)
    }
  }
}
