// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import TestSupport
import Testing

/// Damaged images, torn tails, flipped bits, foreign trees.
struct DamageTests {
  /// A closed bank with an older image, entries, a newer image and entries.
  private func twoImages() throws -> BankStore {
    let bank = try BankStore()
    for number in 1...9 {
      try bank.system.execute(Note(text: "\(number)"))
      if number % 3 == 0, number < 9 { try bank.system.writeImage() }
    }
    try bank.system.close()
    return bank
  }

  private func newestImage(_ bank: BankStore) throws -> (header: ImageHeader, tree: TreeID) {
    try bank.database.read { view in
      let header = try bank.system.images.headers(in: view)[0].header.get()
      return (header, try #require(try bank.system.images.chunkTree(of: header, in: view)))
    }
  }

  enum ImageDamage: CaseIterable {
    case torn, empty, altered, letterAltered, treeMissing, headerUnreadable
  }

  @Test(arguments: ImageDamage.allCases)
  func
    `where the newest image is damaged the older one and the journal give everything, and it is said (P105, P109, P190, P191)`(
      damage: ImageDamage
    ) throws
  {
    let bank = try twoImages()
    let (header, tree) = try newestImage(bank)
    #expect(header.number == 6 && header.tree == "6")
    try bank.forge { trees, transaction in
      let chunk = try transaction.value(forKey: PrevalentKey.of(0), in: tree) ?? []
      switch damage {
      case .torn:
        try transaction.put(Array(chunk.dropLast(3)), forKey: PrevalentKey.of(0), in: tree)
      case .empty: try transaction.delete(PrevalentKey.of(0), in: tree)
      case .altered:
        try transaction.put(
          [chunk[0] ^ 1] + chunk.dropFirst(), forKey: PrevalentKey.of(0), in: tree)
      case .letterAltered:
        // It can be decoded, to another model.
        let place = try #require(
          chunk.indices.first { chunk[$0...].starts(with: [7, 1, UInt8(ascii: "2")]) })
        var altered = chunk
        altered[place + 2] = UInt8(ascii: "x")
        try transaction.put(altered, forKey: PrevalentKey.of(0), in: tree)
      case .treeMissing: try transaction.dropTree(tree)
      case .headerUnreadable:
        try transaction.put([1, 2, 3], forKey: PrevalentKey.of(6), in: trees.images)
      }
    }
    try bank.openSystem()
    #expect(try bank.model.notes == (1...9).map { "\($0)" })
    #expect(bank.system.skippedImages.map(\.number) == [6])
    #expect(bank.system.lastImage == 3)
    // The next images are written beside it, and it is counted as none.
    try bank.system.execute(Note(text: "10"))
    #expect(try bank.system.writeImage() == 10)
    #expect(try bank.journal.first == 4)
    try bank.system.execute(Note(text: "11"))
    #expect(try bank.system.writeImage() == 11)
    #expect(try bank.journal == [11])
    try bank.finish()
  }

  @Test func `numbers that no command has are damage, and never a trap (P192)`() throws {
    let bank = try twoImages()
    let (tree, entry) = try bank.database.read { view in
      let trees = try #require(try PrevalentTrees.find("main", in: view))
      return (trees, try view.value(forKey: PrevalentKey.of(7), in: trees.journal) ?? [])
    }
    var header = try bank.database.read { view in
      try bank.system.images.headers(in: view)[0].header.get()
    }
    header.number = .max
    var bytes: [UInt8] = []
    try BinaryCodec<ImageHeader>().encode(header, into: &bytes)
    try bank.forge { trees, transaction in
      try transaction.put(bytes, forKey: PrevalentKey.of(.max), in: trees.images)
    }
    try bank.openSystem()
    #expect(bank.system.skippedImages.map(\.number) == [.max])
    #expect(try bank.model.notes.count == 9)
    try bank.system.close()
    try bank.forge { trees, transaction in
      try transaction.put(entry, forKey: PrevalentKey.of(0), in: trees.journal)
    }
    for _ in 0..<2 {
      #expect {
        try bank.openSystem()
      } throws: { error in
        guard case PrevalenceError.damagedEntry(0, _) = error else { return false }
        return true
      }
    }
    try bank.database.write { transaction in
      try transaction.delete(PrevalentKey.of(0), in: tree.journal)
    }
    try bank.openSystem()
    try bank.finish()
  }

  @Test func `where no image can be read that is an error, and nothing is changed (P109)`() throws {
    let bank = try twoImages()
    let trees = try bank.database.read { view in
      let images = bank.system.images
      return try images.headers(in: view).compactMap {
        try images.chunkTree(of: $0.header.get(), in: view)
      }
    }
    try bank.forge { _, transaction in
      for tree in trees { try transaction.put([0], forKey: PrevalentKey.of(0), in: tree) }
    }
    for _ in 0..<2 {
      #expect {
        try bank.openSystem()
      } throws: { error in
        guard case PrevalenceError.damagedImage(6, _) = error else { return false }
        return true
      }
    }
    try bank.database.close()
  }

  @Test func `an image of the same command is written beside a damaged one (P109)`() throws {
    let bank = try BankStore()
    for number in 1...3 { try bank.system.execute(Note(text: "\(number)")) }
    try bank.system.writeImage()
    try bank.system.close()
    let tree = try newestImage(bank).tree
    try bank.forge { _, transaction in
      try transaction.put([0], forKey: PrevalentKey.of(0), in: tree)
    }
    try bank.openSystem()
    #expect(bank.system.skippedImages.count == 1)
    #expect(try bank.system.writeImage() == 3)
    #expect(bank.system.skippedImages.isEmpty)
    try bank.reopen()
    #expect(bank.system.skippedImages.isEmpty)
    #expect(bank.system.lastImage == 3)
    #expect(try newestImage(bank).header.tree == "3.2")
    try bank.finish()
  }

  @Test(arguments: [0, -1])
  func `a format that no program has written is damage (P29)`(format: Int) throws {
    var information = SystemInformation(modelName: "Bank", seed: 7)
    information.format = format
    let bytes = try information.encoded()
    #expect {
      try SystemInformation.decode(bytes)
    } throws: { error in
      guard case PrevalenceError.damagedEntry(0, _) = error else { return false }
      return true
    }
    let bank = try twoImages()
    var (header, _) = try newestImage(bank)
    header.format = format
    var encoded: [UInt8] = []
    try BinaryCodec<ImageHeader>().encode(header, into: &encoded)
    try bank.forge { trees, transaction in
      try transaction.put(encoded, forKey: PrevalentKey.of(6), in: trees.images)
    }
    try bank.openSystem()
    #expect(bank.system.skippedImages.map(\.number) == [6])
    #expect(try bank.model.notes.count == 9)
    try bank.finish()
  }

  @Test func `a codec that loses something of the model is found by the hash of the image (P220)`()
    throws
  {
    let bank = try BankStore { $0.hashInterval = 1 }
    bank.options.codec = LossyCodec()
    try bank.reopen()
    try bank.system.execute(Note(text: "1"))
    try bank.system.writeImage()
    try bank.reopen()
    #expect(bank.system.skippedImages.map(\.number) == [1])
    #expect(try bank.model.notes == ["1"])
    bank.options.codec = BinaryCodec<Bank>()
    try bank.finish()
  }

  @Test func `other trees in the store are no business of the system (P194, P105)`() throws {
    try withBank { bank in
      try bank.system.execute(Note(text: "1"))
      try bank.database.write { transaction in
        for name in ["memory/system/main", "memory/system/main2/journal", "README"] {
          let tree = try transaction.createTree(named: name)
          try transaction.put([1, 2, 3], forKey: [4], in: tree)
        }
      }
      try bank.reopen()
      #expect(try bank.model.notes == ["1"])
      try bank.system.writeImage()
      #expect(try bank.database.read { try $0.tree(named: "README") } != nil)
      #expect(throws: PrevalenceError.notFound(name: "main2")) {
        _ = try PrevalentSystem.open(
          in: bank.database, named: "main2", .bank, options: bank.options)
      }
    }
  }

  /// A command that is the last one in the log, and the bytes of the log that it took.
  private func lastWrite(_ bank: BankStore) throws -> (before: DiskImage, after: DiskImage) {
    let before = bank.disk.image
    try bank.system.execute(Note(text: "the last one, which is torn"))
    return (before, bank.disk.image)
  }

  private func differing(_ before: DiskImage, _ after: DiskImage) -> [UInt64] {
    (0..<min(before.length, after.length)).filter {
      before.bytes(1, at: $0) != after.bytes(1, at: $0)
    }
  }

  @Test
  func
    `cut at any byte of the last entry the store opens with what came before, and goes on (P188, P189)`()
    throws
  {
    let bank = try BankStore()
    for number in 1...5 { try bank.system.execute(Note(text: "\(number)")) }
    let (before, after) = try lastWrite(bank)
    let places = differing(before, after)
    #expect(places.count > 30)
    for cut in places {
      // Everything from the cut on is what was there before.
      var image = after
      for place in places where place >= cut {
        image.write(before.bytes(1, at: place)[...], at: place)
      }
      let left = try BankStore(opening: SimulatedDisk(image))
      #expect(left.system.lastCommand == 5, "cut at \(cut)")
      try left.system.execute(Note(text: "later"))
      try left.kill()
      #expect(try left.model.notes == ["1", "2", "3", "4", "5", "later"])
      try left.finish()
    }
    try bank.finish()
  }

  @Test func `a flipped bit is told or heals, and never gives another state (P192)`() throws {
    let bank = try twoImages()
    try bank.openSystem()
    // Some in the pages, some in the log alone.
    for number in 10...12 { try bank.system.execute(Note(text: "\(number)")) }
    let image = bank.disk.crashed(.keepAll).image
    let whole = try bank.model
    let stride = TestEnvironment.count("RECORD_STORE_FLIP_STRIDE", quick: 97)
    var random = SplitMix64(seed: TestEnvironment.seed)
    var (told, healed) = (0, 0)
    var place = random.below(stride)
    while place < Int(image.length) {
      defer { place += stride }
      // Zeros that nobody has written say nothing.
      let page = UInt64(place / 4096 * 4096)
      if image.isZero(4096, at: page) { continue }
      var flipped = image
      flipped.flip(1 << UInt8(random.below(8)), at: UInt64(place))
      do {
        let left = try BankStore(opening: SimulatedDisk(flipped))
        defer { try? left.database.close() }
        let model = try left.model
        // A torn tail looks like a flipped bit in the last groups of the log.
        let isPrefix = whole.notes.starts(with: model.notes) && model.notes.count >= 9
        #expect(isPrefix, "flipped at \(place), seed \(TestEnvironment.seed): \(model)")
        healed += 1
        try left.system.close()
      } catch is PrevalenceError {
        told += 1
      } catch is EngineError {
        told += 1
      }
    }
    #expect(healed > 0 && told > 0, "\(healed) healed, \(told) told")
    try bank.finish()
  }

  @Test func `garbage for a codec is an error, and never a trap (P96, P192)`() throws {
    let bank = try BankStore()
    try bank.system.execute(Deposit(account: "account", amount: 77))
    try bank.system.close()
    let key = PrevalentKey.of(1)
    let entry = try #require(
      try bank.database.read { try $0.value(forKey: key, in: bank.system.journal.trees.journal) })
    for place in entry.indices {
      for bit in 0..<8 {
        var bytes = entry
        bytes[place] ^= 1 << UInt8(bit)
        try bank.forge { trees, transaction in
          try transaction.put(bytes, forKey: key, in: trees.journal)
        }
        do {
          try bank.openSystem()
          try bank.system.close()
        } catch is PrevalenceError {}
      }
    }
    try bank.database.close()
  }
}

/// Forgets the notes.
struct LossyCodec: PrevalentCodec {
  func encode(_ value: Bank, into bytes: inout [UInt8]) throws {
    var value = value
    value.notes = []
    try BinaryCodec<Bank>().encode(value, into: &bytes)
  }

  func decode(_ bytes: ArraySlice<UInt8>) throws -> Bank { try BinaryCodec<Bank>().decode(bytes) }
}
