// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Images of the model, when they are written, and what is kept.
struct ImageTests {
  private func execute(_ count: Int, on bank: BankStore) throws {
    for _ in 0..<count { try bank.system.execute(Note(text: "\(bank.system.lastCommand + 1)")) }
  }

  @Test
  func
    `an image has the number of its last command, and the same state gives no second (P15, P16, P107, P142)`()
    throws
  {
    try withBank { bank in
      try execute(4, on: bank)
      #expect(try bank.system.writeImage() == 4)
      #expect(try bank.system.writeImage() == 4)
      try bank.reopen()
      #expect(try bank.system.writeImage() == 4)
      #expect(try bank.images == [4, 0])
      try execute(1, on: bank)
      #expect(try bank.system.writeImage() == 5)
      #expect(try bank.images == [5, 4])
      #expect(try bank.model.notes.count == 5)
    }
  }

  @Test
  func
    `what is kept is exact in each state, and it is enough (P19, P20, P110, P111, P139, P141, P178)`()
    throws
  {
    try withBank(adjust: { $0.images.keptImages = 1 }) { bank in
      for round in 1...10 {
        try execute(10, on: bank)
        try bank.system.writeImage()
        #expect(try bank.images == [UInt64(10 * round)])
        #expect(try bank.journal.isEmpty)
        #expect(
          try bank.database.read { view in
            try view.trees().count { $0.name.hasPrefix("memory/system/main/image/") }
          } == 1)
        if round % 3 == 0 { try bank.reopen() }
      }
      try execute(3, on: bank)
      #expect(try bank.journal == [101, 102, 103])
      try bank.kill()
      #expect(try bank.model.notes == (1...103).map { "\($0)" })
      try bank.system.writeImage()
      bank.options.images.keptImages = 3
      try bank.reopen()
      for _ in 0..<5 {
        try execute(2, on: bank)
        try bank.system.writeImage()
      }
      // In memory there would be more of the journal.
      try bank.reopen()
      #expect(try bank.images == [113, 111, 109])
      #expect(try bank.journal == [110, 111, 112, 113])
    }
  }

  @Test func `the whole journal is kept where that is asked for (P216)`() throws {
    try withBank(adjust: {
      $0.images.keepsWholeJournal = true
      $0.images.keptImages = 1
    }) { bank in
      for _ in 0..<3 {
        try execute(5, on: bank)
        try bank.system.writeImage()
      }
      #expect(try bank.journal == Array(1...15))
      // What the journal begins with is kept with it.
      #expect(try bank.images == [15, 0])
      try bank.reopen()
      for number in 0...15 {
        let past = try bank.system.past(.command(UInt64(number)))
        #expect(past.model.notes == (0..<number).map { "\($0 + 1)" })
      }
    }
  }

  private func imageTrees(_ bank: BankStore) throws -> Int {
    try bank.database.read { view in
      try view.trees().count { $0.name.hasPrefix("memory/system/main/image/") }
    }
  }

  @Test
  func `wherever the room ends, an image is there whole or has left nothing (P193, P206, P207)`()
    throws
  {
    var (failed, written) = (0, 0)
    for room in stride(from: 0 as UInt64, through: 4 << 20, by: 128 << 10) {
      let bank = try BankStore()
      for number in 0..<40 {
        try bank.system.execute(Note(text: String(repeating: "\(number % 10)", count: 40_000)))
      }
      let model = try bank.model
      bank.disk.setCapacity(bank.disk.image.length + room)
      do {
        try bank.system.writeImage()
        #expect(try bank.images == [40, 0], "room \(room)")
        written += 1
      } catch PrevalenceError.engine(.outOfSpace) {
        #expect(try bank.images == [0], "room \(room)")
        #expect(try imageTrees(bank) == 1, "room \(room)")
        failed += 1
      }
      bank.disk.setCapacity(1 << 40)
      try bank.crash(.keepAll)
      #expect(bank.system.skippedImages.isEmpty)
      #expect(try bank.model == model)
      #expect(try imageTrees(bank) == bank.images.count)
      try bank.finish()
    }
    #expect(failed > 0 && written > 0, "\(failed) failed, \(written) written")
  }

  @Test func `an image that cannot be read again takes the place of none (P116, P206)`() throws {
    let mustFail = Guarded(false)
    try withBank(adjust: { options in
      options.codec = UnreadableCodec(mustFail: mustFail)
      options.images.keptImages = 1
    }) { bank in
      try execute(3, on: bank)
      mustFail.withLock { $0 = true }
      for _ in 0..<2 {
        #expect {
          try bank.system.writeImage()
        } throws: { error in
          guard case PrevalenceError.modelNotEncodable(let reason) = error else { return false }
          return reason.contains("broken")
        }
        #expect(try bank.images == [0])
        #expect(try bank.journal == [1, 2, 3])
      }
      #expect {
        _ = try PrevalentSystem.open(
          in: bank.database, named: "other", .bank, options: bank.options
        ) { Bank() }
      } throws: { error in
        guard case PrevalenceError.modelNotEncodable = error else { return false }
        return true
      }
      #expect(try !PrevalentSystem<Bank>.exists(in: bank.database, named: "other"))
      mustFail.withLock { $0 = false }
      #expect(try bank.system.writeImage() == 3)
      #expect(try bank.images == [3])
    }
  }

  @Test(arguments: [false, true])
  func
    `images come by themselves at the exact command, counted over openings (P6, P21, P22, P143, P197, P198, P214)`(
      reopens: Bool
    ) throws
  {
    try withBank(adjust: { $0.images = ImagePolicy(everyCommands: 10) }) { bank in
      for run in 1...20 {
        if reopens { try bank.reopen() }
        for _ in 0..<9 {
          try execute(1, on: bank)
          bank.imager.runAll()
          #expect(bank.system.lastImage == bank.system.lastCommand / 10 * 10, "run \(run)")
        }
      }
      #expect(bank.system.lastImage == 180)
      try bank.kill()
      #expect(try bank.model.notes.count == 180)
    }
  }

  @Test func `images come after so many bytes or commands, whichever is first (P143, P140)`() throws
  {
    try withBank(adjust: {
      $0.images = ImagePolicy(everyCommands: 100)
      $0.images.everyBytes = 4000
    }) { bank in
      for _ in 0..<10 {
        try bank.system.execute(LongText(text: [UInt8](repeating: 1, count: 500)))
        bank.imager.runAll()
      }
      // Each entry has some bytes more than the text, so that eight reach 4000.
      #expect(bank.system.lastImage == 8)
      try bank.reopen()
      for _ in 0..<6 {
        try bank.system.execute(LongText(text: [UInt8](repeating: 1, count: 500)))
        bank.imager.runAll()
      }
      #expect(bank.system.lastImage == 16)
      for number in 0..<99 {
        try bank.system.execute(Look(account: "\(number)"))
        bank.imager.runAll()
      }
      #expect(bank.system.lastImage == 16)
    }
  }

  @Test func `an image after each command (P150)`() throws {
    try withBank(adjust: { $0.images = ImagePolicy(everyCommands: 1, keptImages: 1) }) {
      bank in
      for number in 1...5 {
        try execute(1, on: bank)
        bank.imager.runAll()
        #expect(try bank.images == [UInt64(number)])
        #expect(try bank.journal.isEmpty)
      }
    }
  }

  @Test
  func `commands that are made durable by images alone are there up to the last one (P24, P151)`()
    throws
  {
    try withBank(adjust: { $0.durability = .manual }) { bank in
      try execute(7, on: bank)
      try bank.system.writeImage()
      try execute(3, on: bank)
      try bank.crash(.loseAll)
      #expect(bank.system.lastCommand == 7)
      #expect(try bank.model.notes.count == 7)
    }
  }

  @Test
  func
    `after an image no earlier command is executed again, nor even decoded (P28, P97, P106, P219)`()
    throws
  {
    try withBank { bank in
      try bank.system.execute(Deposit(account: "a", amount: 1))
      try bank.system.writeImage()
      try bank.reopen(registry: CommandRegistry(Note.self))
      #expect(try bank.model.accounts == ["a": 1])
      try bank.system.execute(Note(text: "n"))
      try bank.reopen()
      #expect(try bank.model == Bank(accounts: ["a": 1], notes: ["n"]))
      // The start takes what came after the image, whatever came before.
      bank.options.images = ImagePolicy(everyCommands: 16)
      try bank.reopen(registry: .bank)
      for _ in 0..<200 {
        try execute(1, on: bank)
        bank.imager.runAll()
        #expect(bank.system.lastCommand - bank.system.lastImage <= 16)
      }
    }
  }

  @Test func `opening an unchanged store writes no image and no entry (P212)`() throws {
    try withBank { bank in
      try execute(3, on: bank)
      try bank.reopen()
      let before = try bank.database.snapshot()
      let lsn = before.lsn
      before.close()
      let (images, trees) = (try bank.images, try bank.database.read { try $0.trees().map(\.name) })
      try bank.system.close()
      bank.imager.runAll()
      let system = try PrevalentSystem.open(in: bank.database, .bank, options: bank.options)
      #expect(try system.query { $0.notes.count } == 3)
      #expect(try bank.database.read { $0.lsn } == lsn)
      try system.close()
      try bank.reopen()
      #expect(try bank.images == images)
      #expect(try bank.database.read { try $0.trees().map(\.name) } == trees)
    }
  }

  @Test func `commands and queries go on while an image is being written (P180, P199)`() throws {
    let gate = Gate()
    try withBank(adjust: { options in
      options.codec = GatedCodec(gate: gate)
      options.keepsSecondCopy = true
    }) { bank in
      let system = bank.system
      try execute(1, on: bank)
      gate.isClosed = true
      try runThreads(2) { thread in
        if thread == 0 {
          guard try system.writeImage() == 1 else { throw TestFailure("another image") }
        } else {
          defer { gate.isClosed = false }
          gate.waitForVisitor()
          for number in 2...2000 {
            try system.execute(Note(text: "\(number)"), durability: .manual)
            guard try system.query({ $0.notes.count }) == number else {
              throw TestFailure("not seen: \(number)")
            }
          }
        }
      }
      #expect(system.lastImage == 1)
      #expect(try system.writeImage() == 2000)
    }
  }

  @Test func `a failing image is told, leaves the store as it was, and is tried again (P206)`()
    throws
  {
    let failures = SharedList<PrevalenceError>()
    let mustFail = Guarded(false)
    try withBank(adjust: { options in
      options.codec = FailingCodec(mustFail: mustFail)
      options.images = ImagePolicy(everyCommands: 5)
      options.onFailure = { failures.append($0) }
    }) { bank in
      mustFail.withLock { $0 = true }
      try execute(5, on: bank)
      #expect(bank.imager.runAll() == 1)
      #expect(failures.elements == [.modelNotEncodable(reason: "broken")])
      #expect(bank.system.lastImage == 0)
      try execute(4, on: bank)
      #expect(bank.imager.runAll() == 0)
      mustFail.withLock { $0 = false }
      try execute(1, on: bank)
      #expect(bank.imager.runAll() == 1)
      #expect(bank.system.lastImage == 10)
      #expect(failures.elements.count == 1)
      #expect(bank.system.failure == nil)
    }
  }

  @Test func `a system whose trees were copied by their names is as it was`() throws {
    try withBank(adjust: { $0.images.keptImages = 1 }) { bank in
      try execute(3, on: bank)
      try bank.system.writeImage()
      #expect(try bank.journal.isEmpty)
      try execute(1, on: bank)
      let model = try bank.model
      try bank.system.close()
      let database = try Database.inMemory(limit: 64 << 20)
      try copyTrees(of: bank.database, to: database)
      let system = try PrevalentSystem.open(in: database, .bank, options: bank.options)
      #expect(system.skippedImages.isEmpty && system.lastImage == 3)
      #expect(try system.query { $0 } == model)
      try system.close()
      #expect(try database.check().isIntact)
      try database.close()
      try bank.openSystem()
    }
  }

  private func copyTrees(of source: Database, to copy: Database) throws {
    try source.read { view in
      try copy.write { transaction in
        for (name, tree) in try view.trees() {
          // In the order of the names, and not in that in which the trees were made.
          let new = try transaction.createTree(named: name)
          let cursor = try view.cursor(in: tree)
          while try cursor.next() {
            try transaction.put(try cursor.value(), forKey: cursor.key, in: new)
          }
        }
      }
    }
  }

  @Test func `further images of a command have numbered trees, also under the longest name`() throws
  {
    let name = String(repeating: "s", count: 200)
    try withBank { bank in
      let system = try PrevalentSystem.open(
        in: bank.database, named: name, .bank, options: bank.options
      ) { Bank() }
      try system.execute(Note(text: "1"))
      let trees = ["1"] + (2...40).map { "1.\($0)" }
      try bank.database.write { transaction in
        for tree in trees {
          let name = PrevalentTrees.imagePrefix(name) + tree
          _ = try transaction.createTree(named: name)
        }
        // As long as it cannot be read, any of them may have its chunks.
        let key = PrevalentKey.of(9)
        try transaction.put([0], forKey: key, in: system.images.trees.images)
      }
      #expect(try system.writeImage() == 1)
      try bank.database.read { view in
        let header = try #require(try system.images.headers(in: view).first).header.get()
        #expect(header.number == 1 && header.tree == "1.41")
        #expect(
          try BinaryCodec<Bank>().decode(system.images.read(header, in: view)[...]).notes == ["1"])
      }
      try system.close()
    }
  }

  @Test func `what is on the disk stays within bounds (P196, P214)`() throws {
    let count = TestEnvironment.count("RECORD_STORE_COMMANDS", quick: 30_000)
    try withBank(adjust: {
      $0.durability = .manual
      $0.images.everyBytes = 64 << 10
    }) { bank in
      var longest: UInt64 = 0
      for number in 0..<count {
        try bank.system.execute(Deposit(account: "\(number % 100)", amount: 1))
        if bank.imager.waiting > 0 { bank.imager.runAll() }
        if bank.scheduler.waiting > 0 { bank.scheduler.runAll() }
        longest = max(longest, bank.disk.image.length)
      }
      #expect(try bank.model.total == count)
      #expect(longest <= 24 << 20, "\(longest) bytes")
      #expect(try bank.images.count == 2)
      #expect(try bank.journal.count < 10_000)
    }
  }
}

/// Lets an image wait.
final class Gate: Sendable {
  private let state = Guarded((isClosed: false, visitors: 0))

  var isClosed: Bool {
    get { state.withLock { $0.isClosed } }
    set { state.withLock { $0.isClosed = newValue } }
  }

  func pass() {
    guard isClosed else { return }
    state.withLock { $0.visitors += 1 }
    while isClosed {}
  }

  func waitForVisitor() {
    while state.withLock({ $0.visitors }) == 0 {}
  }
}

struct GatedCodec: PrevalentCodec {
  let gate: Gate

  func encode(_ value: Bank, into bytes: inout [UInt8]) throws {
    gate.pass()
    try BinaryCodec<Bank>().encode(value, into: &bytes)
  }

  func decode(_ bytes: ArraySlice<UInt8>) throws -> Bank { try BinaryCodec<Bank>().decode(bytes) }
}

/// Writes what it cannot read, if told to.
struct UnreadableCodec: PrevalentCodec {
  let mustFail: Guarded<Bool>

  func encode(_ value: Bank, into bytes: inout [UInt8]) throws {
    try BinaryCodec<Bank>().encode(value, into: &bytes)
  }

  func decode(_ bytes: ArraySlice<UInt8>) throws -> Bank {
    if mustFail.withLock({ $0 }) { throw BankError.broken }
    return try BinaryCodec<Bank>().decode(bytes)
  }
}

struct FailingCodec: PrevalentCodec {
  let mustFail: Guarded<Bool>

  func encode(_ value: Bank, into bytes: inout [UInt8]) throws {
    if mustFail.withLock({ $0 }) { throw BankError.broken }
    try BinaryCodec<Bank>().encode(value, into: &bytes)
  }

  func decode(_ bytes: ArraySlice<UInt8>) throws -> Bank { try BinaryCodec<Bank>().decode(bytes) }
}
