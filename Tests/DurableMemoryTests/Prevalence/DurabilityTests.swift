// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import Foundation
import StorageEngine
import TestSupport
import Testing

/// Flush policies, full disks and failing ones.
struct DurabilityTests {
  @Test func `a command that was not flushed is gone after a power cut, and nothing else (P2)`()
    throws
  {
    try withBank { bank in
      try bank.system.execute(Note(text: "1"))
      try bank.system.execute(Note(text: "2"), durability: .manual)
      #expect(try bank.model.notes == ["1", "2"])
      try bank.crash(.loseAll)
      #expect(try bank.model.notes == ["1"])
      // Its number is given again.
      try bank.system.execute(Note(text: "3"))
      #expect(bank.system.lastCommand == 2)
    }
  }

  @Test func `closing makes durable what was not flushed (P3, P167)`() throws {
    try withBank { bank in
      try bank.system.execute(Note(text: "1"), durability: .manual)
      try bank.system.close()
      let left = try BankStore(opening: bank.disk.crashed(.loseAll))
      #expect(try left.model.notes == ["1"])
      try left.finish()
      try bank.openSystem()
    }
  }

  @Test
  func `what waits for nothing does not show or tell what was to be durable (P12, P137, P209)`()
    throws
  {
    let told = SharedList<UInt64>()
    try withBank(adjust: { $0.onEvents = { number, _ in told.append(number) } }) { bank in
      _ = try bank.system.submit(Note(text: "1", events: 1))
      try bank.system.execute(Note(text: "2", events: 1), durability: .manual)
      let seen = try bank.model.notes
      let last = told.elements.filter { $0 == 1 }.count
      try bank.crash(.loseAll)
      #expect(last <= bank.system.lastCommand)
      #expect(seen.first == (try bank.model.notes.first))
      // Of what was to be written only, a process that ends takes nothing.
      _ = try bank.system.submit(Note(text: "3", events: 1), durability: .written)
      try bank.system.execute(Note(text: "4"), durability: .manual)
      let count = try bank.model.notes.count
      try bank.kill()
      #expect(try bank.model.notes.count >= count - 1)
      #expect(try bank.model.notes.contains("3"))
    }
  }

  @Test(arguments: 0..<3)
  func `what a command that is not in the journal has seen is durable as well (P101, P209)`(
    way: Int
  ) async throws {
    let bank = try BankStore()
    _ = try bank.system.submit(Deposit(account: "a", amount: 1))
    let system = bank.system
    switch way {
    case 0: #expect(try look(system) == 1)
    case 1: #expect(try system.submit(Look(account: "a")).wait() == 1)
    default: #expect(try await system.execute(Look(account: "a")) == 1)
    }
    try bank.crash(.loseAll)
    #expect(try bank.model.accounts == ["a": 1])
    try bank.finish()
  }

  /// Not the asynchronous form.
  private func look(_ system: PrevalentSystem<Bank>) throws -> Int? {
    try system.execute(Look(account: "a"))
  }

  @Test func `looking at the store beside a command does not fail the command (P206)`() throws {
    let failures = SharedList<PrevalenceError>()
    let bank = try BankStore { options in
      options.durability = .manual
      options.onFailure = { failures.append($0) }
    }
    for number in 1..<1024 { try bank.system.execute(Note(text: "\(number)")) }
    try bank.database.write(durability: .manual) { _ = try $0.createTree(named: "other") }
    bank.system.working.withLock { $0.bytesToLook = 0 }
    bank.disk.inject(Fault(call: bank.disk.calls, kind: .system(errno: EIO), lasts: true))
    #expect(try bank.system.execute(Note(text: "1024")) == 1024)
    #expect(failures.elements.count == 1)
    #expect(bank.system.failure != nil)
    #expect(throws: PrevalenceError.self) { try bank.system.execute(Note(text: "1025")) }
    try bank.crash(.loseAll)
    try bank.finish()
  }

  @Test func `a closing for which there is no room leaves the system open (P207)`() throws {
    let bank = try BankStore { $0.durability = .manual }
    bank.disk.setCapacity(bank.disk.image.length)
    var count = 0
    var isFull = false
    for number in 0..<20_000 where !isFull {
      do {
        try bank.system.execute(
          LongText(text: [UInt8](repeating: UInt8(number % 256), count: 2000)))
        count += 1
      } catch PrevalenceError.engine(.outOfSpace) {
        isFull = true
      }
    }
    #expect(throws: PrevalenceError.engine(.outOfSpace)) { try bank.system.close() }
    #expect(try bank.model.notes.count == count)
    #expect(throws: PrevalenceError.alreadyOpen(name: "main")) { try bank.openSystem() }
    bank.disk.setCapacity(1 << 40)
    try bank.system.execute(Note(text: "last"))
    try bank.system.close()
    #expect(throws: PrevalenceError.closed) { try bank.system.execute(Note(text: "n")) }
    try bank.openSystem()
    #expect(try bank.model.notes.count == count + 1)
    try bank.finish()
  }

  @Test func `a manual flush survives a power cut, a written command the process (P12)`() throws {
    try withBank { bank in
      try bank.system.execute(Note(text: "1"), durability: .manual)
      try bank.system.execute(Note(text: "2"), durability: .manual)
      try bank.system.flush()
      try bank.system.execute(Note(text: "3"), durability: .written)
      let cut = try BankStore(opening: bank.disk.crashed(.loseAll))
      #expect(try cut.model.notes == ["1", "2"])
      try cut.finish()
      try bank.kill()
      #expect(try bank.model.notes == ["1", "2", "3"])
    }
  }

  @Test func `after the interval a command is durable without a flush (P11, P130)`() throws {
    try withBank { bank in
      try bank.system.execute(Note(text: "1"), durability: .interval(.milliseconds(20)))
      try bank.system.execute(Note(text: "2"), durability: .interval(.milliseconds(20)))
      var left: UInt64 = 0
      for _ in 0..<1000 where left < 2 {
        usleep(10_000)
        let cut = try BankStore(opening: bank.disk.crashed(.loseAll))
        left = cut.system.lastCommand
        try cut.finish()
      }
      #expect(left == 2)
      try bank.crash(.loseAll)
      #expect(try bank.model.notes == ["1", "2"])
    }
  }

  @Test
  func
    `two commands of one thread are written one after the other, each when it is asked for (P55, P58)`()
    throws
  {
    try withBank { bank in
      try bank.system.execute(Note(text: "0"))
      var before = bank.disk.mutations
      for number in 1...2 {
        try bank.system.execute(Note(text: "\(number)"))
        #expect(bank.disk.mutations == before + 1, "one write that is durable by itself")
        before = bank.disk.mutations
      }
      for number in 3...50 { try bank.system.execute(Note(text: "\(number)"), durability: .manual) }
      #expect(bank.disk.mutations == before)
    }
  }

  @Test func `committers share flushes, the more the more of them there are (P56, P57, P200)`()
    throws
  {
    var flushesPerCommand: [Double] = []
    for threads in [1, 4, 32] {
      try withBank { bank in
        bank.disk.setFlushDelay(microseconds: 2000)
        let system = bank.system
        let before = bank.disk.mutations
        try runThreads(threads) { thread in
          for number in 0..<(128 / threads) {
            try system.execute(Deposit(account: "\(thread) \(number)", amount: 1))
          }
        }
        flushesPerCommand.append(Double(bank.disk.mutations - before) / 128)
        bank.disk.setFlushDelay(microseconds: 0)
        #expect(try bank.model.accounts.count == 128)
        #expect(bank.system.lastCommand == 128)
      }
    }
    #expect(flushesPerCommand[0] >= 1)
    #expect(flushesPerCommand[1] < 0.75)
    #expect(flushesPerCommand[2] < 0.25, "\(flushesPerCommand)")
  }

  @Test func `five thousand commands of 128 threads are all there (P57)`() throws {
    try withBank { bank in
      let system = bank.system
      try runThreads(128) { thread in
        for number in 0..<40 {
          try system.execute(Deposit(account: "\(thread) \(number)", amount: 1))
        }
      }
      try bank.crash(.loseAll)
      #expect(try bank.model.accounts.count == 128 * 40)
      #expect(bank.system.lastCommand == 128 * 40)
    }
  }

  @Test
  func
    `after an error of the disk queries show the last durable state, and commands are refused (P10, P53, P54)`()
    throws
  {
    let failures = SharedList<PrevalenceError>()
    let bank = try BankStore { $0.onFailure = { failures.append($0) } }
    for number in 1...3 { try bank.system.execute(Note(text: "\(number)")) }
    try bank.system.execute(Note(text: "4"), durability: .manual)
    #expect(try bank.model.notes.count == 4)
    bank.disk.inject(Fault(call: bank.disk.calls, kind: .system(errno: EIO), lasts: true))
    #expect {
      try bank.system.execute(Note(text: "5"))
    } throws: { error in
      guard case PrevalenceError.engine(.poisoned(let reason)) = error else { return false }
      return reason.contains("failed: Input/output error")
    }
    #expect(try bank.model.notes == ["1", "2", "3"])
    #expect(bank.system.failure != nil)
    for _ in 0..<2 {
      #expect(throws: PrevalenceError.self) { try bank.system.execute(Note(text: "6")) }
      #expect(throws: PrevalenceError.self) { try bank.system.writeImage() }
      #expect(throws: PrevalenceError.self) {
        try bank.system.queryBetweenCommands { model, _ in model.notes }
      }
    }
    #expect(try bank.system.query { $0.notes } == ["1", "2", "3"])
    #expect(failures.elements.count == 1)
    try bank.crash(.loseAll)
    #expect(try bank.model.notes == ["1", "2", "3"])
    try bank.system.execute(Note(text: "7"))
    #expect(try bank.model.notes == ["1", "2", "3", "7"])
    try bank.finish()
  }

  @Test func `durable commands that the pages do not have yet are shown after an error too (P10)`()
    throws
  {
    let bank = try BankStore()
    for number in 1...20 {
      try bank.system.execute(Note(text: "\(number)"))
      if number == 10 { try bank.database.checkpoint() }
    }
    try bank.system.execute(Note(text: "21"), durability: .manual)
    bank.disk.inject(Fault(call: bank.disk.calls, kind: .system(errno: EIO), lasts: true))
    #expect(throws: PrevalenceError.self) { try bank.system.flush() }
    #expect(try bank.model.notes == (1...20).map { "\($0)" })
    try bank.crash(.loseAll)
    #expect(try bank.model.notes == (1...20).map { "\($0)" })
    try bank.finish()
  }

  @Test func `an error of the flush in the background reaches the next caller (P11, P206)`() throws
  {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "1"))
    bank.disk.inject(Fault(call: bank.disk.calls, kind: .system(errno: EIO), lasts: true))
    try bank.system.execute(Note(text: "2"), durability: .interval(.milliseconds(1)))
    var seen: (any Error)?
    while seen == nil {
      usleep(1000)
      do {
        try bank.system.execute(Look(account: "a"))
        try bank.system.execute(Note(text: "3"), durability: .interval(.milliseconds(1)))
      } catch {
        seen = error
      }
    }
    guard case .some(PrevalenceError.engine(.poisoned)) = seen as? PrevalenceError else {
      Issue.record("\(String(describing: seen))")
      return
    }
    #expect(try bank.model.notes == ["1"])
    try bank.crash(.loseAll)
    #expect(try bank.model.notes == ["1"])
    try bank.finish()
  }

  @Test(arguments: [false, true])
  func `on a full disk a command is refused without a trace, and works when there is room (P207)`(
    keepsSecondCopy: Bool
  ) throws {
    let bank = try BankStore { options in
      options.durability = .manual
      options.keepsSecondCopy = keepsSecondCopy
    }
    try bank.system.execute(Note(text: "first"))
    bank.disk.setCapacity(bank.disk.image.length)
    var count = 1
    var refused = 0
    for number in 0..<20_000 where refused < 3 {
      do {
        try bank.system.execute(
          LongText(text: [UInt8](repeating: UInt8(number % 256), count: 2000)))
        count += 1
      } catch PrevalenceError.engine(.outOfSpace) {
        refused += 1
      }
      if bank.scheduler.waiting > 0 { bank.scheduler.runAll() }
    }
    #expect(refused == 3)
    #expect(bank.system.failure == nil)
    #expect(bank.system.lastCommand == UInt64(count))
    #expect(try bank.model.notes.count == count)
    #expect(try bank.system.queryBetweenCommands { model, _ in model.notes.count } == count)
    bank.disk.setCapacity(1 << 40)
    try bank.system.execute(Note(text: "last"), durability: .synced)
    #expect(try bank.model.notes.count == count + 1)
    try bank.crash(.loseAll)
    #expect(try bank.model.notes.count == count + 1)
    try bank.finish()
  }

  @Test func `an image for which there is no room is refused, and the store goes on (P207)`() throws
  {
    let bank = try BankStore()
    for number in 0..<40 {
      try bank.system.execute(Note(text: String(repeating: "\(number)", count: 20_000)))
    }
    bank.disk.setCapacity(bank.disk.image.length)
    #expect(throws: PrevalenceError.engine(.outOfSpace)) {
      for _ in 0..<100 {
        try bank.system.writeImage()
        try bank.system.execute(Note(text: String(repeating: "n", count: 20_000)))
      }
    }
    bank.disk.setCapacity(1 << 40)
    let last = bank.system.lastCommand
    #expect(try bank.system.writeImage() == last)
    try bank.finish()
  }
}
