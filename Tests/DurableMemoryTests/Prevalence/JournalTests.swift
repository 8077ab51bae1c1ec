// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Numbers, times, order and bytes of the journal.
struct JournalTests {
  @Test
  func
    `commands are numbered from 1 without gaps, over openings and images (P66, P119, P133, P134)`()
    throws
  {
    try withBank(adjust: { $0.durability = .manual }) { bank in
      for round in 0..<20 {
        for _ in 0..<50 { try bank.system.execute(Note(text: "n")) }
        if round % 4 == 1 { try bank.system.writeImage() }
        if round % 4 == 2 { try bank.reopen() }
      }
      #expect(bank.system.lastCommand == 1000)
      let first = try bank.journal.first ?? 0
      #expect(try bank.journal == Array(first...1000))
      #expect(try bank.system.entries(after: 990).map(\.number) == Array(991...1000))
    }
  }

  @Test func `reading from a number gives exactly the rest, from the pages and from memory (P146)`()
    throws
  {
    try withBank { bank in
      for number in 1...60 {
        try bank.system.execute(Note(text: "\(number)"), durability: .manual)
        if number == 30 { try bank.database.checkpoint() }
      }
      for number in [0, 1, 29, 30, 31, 59, 60] as [UInt64] {
        let rest = try bank.system.entries(after: number)
        #expect(rest.map(\.number) == Array(1...60).filter { $0 > number })
        #expect(try bank.system.entries(after: number, limit: 5) == Array(rest.prefix(5)))
      }
      #expect(throws: PrevalenceError.outOfHistory(oldest: 0, newest: 60)) {
        _ = try bank.system.entries(after: 61)
      }
    }
  }

  @Test
  func
    `a missing entry is an error, first, in the middle, and where the image leaves off (P66, P147, P159)`()
    throws
  {
    for missing in [1, 3] as [UInt64] {
      let bank = try BankStore()
      for number in 1...5 { try bank.system.execute(Note(text: "\(number)")) }
      #expect(throws: PrevalenceError.gap(expected: missing, found: missing + 1)) {
        try bank.reopen(after: { trees, transaction in
          try transaction.delete(PrevalentKey.of(missing), in: trees.journal)
        })
      }
      // Nothing was changed by the attempt.
      #expect(throws: PrevalenceError.self) { try bank.reopen() }
    }
  }

  @Test func `an entry twice, or with a key that is no number, is an error (P66)`() throws {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "1"))
    #expect(throws: PrevalenceError.self) {
      try bank.reopen(after: { trees, transaction in
        let entry = try transaction.value(forKey: PrevalentKey.of(1), in: trees.journal) ?? []
        try transaction.put(entry, forKey: PrevalentKey.of(1) + [0], in: trees.journal)
      })
    }
  }

  @Test func `a journal whose first key is no number is damaged, not empty (P66)`() throws {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "1"))
    try bank.system.writeImage()
    try bank.system.close()
    try bank.forge { trees, transaction in
      try transaction.put([1], forKey: [0], in: trees.journal)
    }
    let expected = PrevalenceError.damagedEntry(number: 0, reason: "its key is no number")
    #expect(throws: expected) { try bank.openSystem() }
    let view = try bank.database.snapshot()
    #expect(throws: expected) { try StoredSystem.all(in: bank.database, view) }
    view.close()
    try bank.forge { trees, transaction in try transaction.delete([0], in: trees.journal) }
    try bank.openSystem()
    try bank.finish()
  }

  @Test
  func `an entry of an earlier time than that before it is damage, as where it is followed (P91)`()
    throws
  {
    let bank = try BankStore()
    for number in 1...3 { try bank.system.execute(Note(text: "\(number)")) }
    let command = try bank.system.entries(after: 1)[0].command
    try bank.system.close()
    // The first has 1000.
    for (time, isDamage) in [(999, true), (1000, false)] as [(UInt64, Bool)] {
      var entry: [UInt8] = []
      JournalRecord.appendHead(time: time, hash: nil, to: &entry)
      JournalRecord.appendForm(Note.name, version: Note.version, to: &entry)
      try bank.forge { trees, transaction in
        try transaction.put(entry + command, forKey: PrevalentKey.of(2), in: trees.journal)
      }
      guard isDamage else { continue }
      #expect(throws: PrevalenceError.earlierTime(2)) { try bank.openSystem() }
    }
    try bank.openSystem()
    #expect(try bank.model.notes == ["1", "2", "3"])
    try bank.finish()
  }

  @Test
  func
    `the time of a command is that of the journal, and never goes back (P49, P91, P99, P125, P127, P152)`()
    throws
  {
    let time = Guarded<UInt64>(5000)
    try withBank(adjust: { $0.clock = { time.withLock { $0 } } }) { bank in
      for now in [5000, 5000, 7000, 6000, 7000, 9000] as [UInt64] {
        time.withLock { $0 = now }
        try bank.system.execute(Stamp())
      }
      let expected: [UInt64] = [5000, 5000, 7000, 7000, 7000, 9000]
      #expect(try bank.model.times == expected)
      #expect(try bank.system.entries(after: 0).map(\.time) == expected)
      time.withLock { $0 = 1 }
      try bank.kill()
      #expect(try bank.model.times == expected)
      try bank.system.writeImage()
      try bank.reopen()
      try bank.system.execute(Stamp())
      #expect(try bank.model.times.last == 9000)
    }
  }

  @Test
  func `random numbers of the context are the same after a replay, an id passed in as well (P47)`()
    throws
  {
    try withBank { bank in
      var words: [UInt64] = []
      for _ in 0..<10 { words.append(try bank.system.execute(Stamp())) }
      #expect(Set(words).count == 10)
      try bank.kill()
      #expect(try bank.model.words == words)
      // Those of another system with the same seed are the same, with another they are not.
      let other = try BankStore { $0.seed = 8 }
      #expect(try other.system.execute(Stamp()) != words[0])
      try other.finish()
      let same = try BankStore()
      #expect(try same.system.execute(Stamp()) == words[0])
      try same.finish()
    }
  }

  @Test func `the bytes of an entry are these (P36, P60, P62, P155)`() throws {
    try withBank(adjust: { $0.hashInterval = 2 }) { bank in
      bank.registry.register(Raw.self)
      try bank.reopen()
      try bank.system.execute(Raw(bytes: [0xAA, 0xBB]))
      try bank.system.execute(Raw(bytes: []))
      try bank.system.close()
      let entries = try bank.database.read { view in
        try (1...2).map {
          try view.value(forKey: PrevalentKey.of($0), in: bank.system.journal.trees.journal)
        }
      }
      let hash = try StateHash.hash(of: Bank(words: [2, 0]))
      // Format, flags, 1000 in groups of seven bits, name, version, the command.
      #expect(entries[0] == [1, 0, 0xE8, 0x07, 3, 0x72, 0x61, 0x77, 9, 0xAA, 0xBB])
      #expect(
        entries[1] == [1, 1, 0xE9, 0x07]
          + (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * UInt64($0))) }
          + [3, 0x72, 0x61, 0x77, 9])
      try bank.openSystem()
    }
  }

  @Test func `a command of any length is kept, also where it is too long for an entry (P61)`()
    throws
  {
    try withBank { bank in
      for count in [0, 1, 59_000, 59_900, 60_000, 60_100, 70_000, 300_000] {
        try bank.system.execute(LongText(text: (0..<count).map { UInt8(truncatingIfNeeded: $0) }))
      }
      let model = try bank.model
      try bank.kill()
      #expect(try bank.model == model)
      #expect(
        try bank.system.entries(after: 0).map(\.command.count).last.map { $0 > 300_000 } == true)
      try bank.system.writeImage()
      bank.options.images.keptImages = 1
      try bank.reopen()
      try bank.system.execute(Note(text: "n"))
      try bank.system.writeImage()
      #expect(try bank.database.read { try $0.count(of: bank.system.journal.trees.payloads) } == 0)
      #expect(try bank.journal.isEmpty)
    }
  }

  @Test
  func
    `an entry cut anywhere, or with a wrong beginning, is an error with its number (P63, P64, P65, P211)`()
    throws
  {
    let bank = try BankStore()
    for number in 1...3 { try bank.system.execute(Deposit(account: "a", amount: number)) }
    try bank.system.close()
    let tree = bank.system.journal.trees.journal
    let key = PrevalentKey.of(2)
    let entry = try #require(try bank.database.read { try $0.value(forKey: key, in: tree) })
    var damaged = (0..<entry.count).map { Array(entry[..<$0]) }
    damaged += [[0] + entry.dropFirst(), [1, 0xF0] + entry.dropFirst(2)]
    for bytes in damaged {
      try bank.forge { trees, transaction in
        try transaction.put(bytes, forKey: key, in: trees.journal)
      }
      do {
        try bank.openSystem()
        Issue.record("opened with \(bytes)")
        try bank.system.close()
      } catch PrevalenceError.damagedEntry(let number, _), PrevalenceError.unknownCommand(
        _, _, let number),
        PrevalenceError.undecodable(_, _, let number, _)
      {
        #expect(number == 2)
      }
    }
    try bank.forge { trees, transaction in
      try transaction.put([2, 0] + entry.dropFirst(2), forKey: key, in: trees.journal)
    }
    #expect(throws: PrevalenceError.unsupportedFormat(found: 2, supported: 1)) {
      try bank.openSystem()
    }
    // What surrounds it is whole: with the entry put right everything is there.
    try bank.forge { trees, transaction in
      try transaction.put(entry, forKey: key, in: trees.journal)
    }
    try bank.openSystem()
    #expect(try bank.model.accounts == ["a": 6])
    try bank.finish()
  }

  @Test
  func
    `a later format of what is needed is an error that names it, of what is not needed nothing (P29, P30, P31)`()
    throws
  {
    let bank = try BankStore()
    try bank.system.execute(Note(text: "1"))
    try bank.system.execute(Note(text: "2"))
    try bank.system.writeImage()
    try bank.reopen(after: { trees, transaction in
      try transaction.put([9, 9, 9], forKey: PrevalentKey.of(1), in: trees.journal)
    })
    #expect(try bank.model.notes == ["1", "2"])
    try bank.system.close()
    var header = try bank.database.read { view in
      try bank.system.images.headers(in: view)[0].header.get()
    }
    header.format = 2
    var bytes: [UInt8] = []
    try BinaryCodec<ImageHeader>().encode(header, into: &bytes)
    try bank.forge { trees, transaction in
      try transaction.put(bytes, forKey: PrevalentKey.of(2), in: trees.images)
    }
    #expect(throws: PrevalenceError.unsupportedFormat(found: 2, supported: 1)) {
      try bank.openSystem()
    }
    try bank.database.close()
  }

  @Test
  func
    `commands that are submitted are executed in that order, and are all there after closing (P167, P217)`()
    throws
  {
    try withBank { bank in
      var submissions: [Submission<Bank, Int>] = []
      for number in 0..<10_000 {
        submissions.append(try bank.system.submit(Note(text: "\(number)")))
      }
      #expect(submissions.map(\.number) == Array(1...10_000))
      #expect(submissions.map(\.result) == Array(1...10_000))
      try bank.reopen()
      #expect(try bank.model.notes == (0..<10_000).map { "\($0)" })
    }
  }

  @Test func `a command that changes nothing is not in the journal (P101)`() throws {
    try withBank { bank in
      try bank.system.execute(Deposit(account: "a", amount: 1))
      let lsn = try bank.database.read { $0.lsn }
      for _ in 0..<10 { #expect(try bank.system.execute(Look(account: "a")) == 1) }
      #expect(bank.system.lastCommand == 1)
      try bank.system.flush()
      #expect(try bank.database.read { $0.lsn } == lsn)
    }
  }
}

/// A command of a type with a form of its own.
struct Raw: Command {
  struct Codec: PrevalentCodec {
    func encode(_ value: Raw, into bytes: inout [UInt8]) { bytes.append(contentsOf: value.bytes) }
    func decode(_ bytes: ArraySlice<UInt8>) -> Raw { Raw(bytes: Array(bytes)) }
  }

  static let name = "raw"
  static let version = 9
  static let codec = Codec()
  var bytes: [UInt8]

  func execute(on model: inout Bank, in context: inout CommandContext) {
    model.words.append(UInt64(bytes.count))
  }
}
