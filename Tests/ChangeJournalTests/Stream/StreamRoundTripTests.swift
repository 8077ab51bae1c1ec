// SPDX-License-Identifier: Apache-2.0

import TestSupport
import StorageEngine
import Testing

@testable import ChangeJournal

struct StreamRoundTripTests {
  @Test(arguments: [1, 7, 63, 64, 65, 1000, Int.max], [0, 1, 3, 9])
  func `a stream gives back its transactions however it is cut and compressed`(
    chunk: Int, level: Int
  ) throws {
    let transactions =
      try Samples.chain(50) + [Samples.encoded(Samples.transaction(origin: Samples.origin(2)))]
    var options = JournalWriter.Options()
    options.compressionLevel = level
    var since = VersionVector()
    since[Samples.origin(9)] = 3
    let stream = try write(transactions, since: since, options: options)
    let reading = read(stream, chunk: chunk)
    #expect(reading.error == nil)
    #expect(reading.header == JournalStreamHeader(storeID: Samples.storeID, since: since))
    #expect(reading.transactions == transactions)
    #expect(reading.totals?.transactionCount == 51)
    #expect(reading.totals?.frameCount == 2)
    var reached = since
    reached[Samples.origin(1)] = 50
    reached[Samples.origin(2)] = 1
    #expect(reading.totals?.reached == reached)
  }

  @Test func `an empty journal is a stream frame and a totals frame`() throws {
    let stream = try write([])
    let reading = read(stream)
    #expect(reading.error == nil)
    #expect(reading.transactions.isEmpty)
    #expect(reading.totals?.frameCount == 1)
    #expect(reading.totals?.reached == VersionVector())
    #expect(read([]).error == .truncated(JournalPlace(stream: "test", offset: 0, frame: 0)))
  }

  @Test(arguments: testSeeds(10))
  func `random transactions survive a stream`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let transactions = try (0..<20).map { _ in
      try EncodedTransaction(
        generator.transaction(operations: Int.random(in: 0..<30, using: &generator)))
    }
    let reading = read(try write(transactions), chunk: Int.random(in: 1..<5000, using: &generator))
    #expect(reading.error == nil)
    #expect(reading.transactions == transactions)
  }

  @Test func `a batch closes at its size and never exceeds a frame`() throws {
    var options = JournalWriter.Options.plain
    options.batchBytes = 100_000
    let transactions = try Samples.chain(3000)
    let frames = try frames(transactions, options: options)
    let batches = frames.dropFirst().dropLast()
    let longest = (transactions.map(\.bytes.count).max() ?? 0) + BatchLayout.lengthBytes
    for batch in batches {
      #expect(batch.count - FrameLayout.headerBytes < 100_000 + longest)
    }
    for batch in batches.dropLast() {
      #expect(batch.count - FrameLayout.headerBytes >= 100_000)
    }
    #expect(read(frames.flatMap { $0 }).transactions == transactions)
  }

  @Test(arguments: [(0, 64 << 10), (1 << 30, 1 << 20)])
  func `the size of a batch is brought into its bounds`(asked: Int, effective: Int) throws {
    var options = JournalWriter.Options.plain
    options.batchBytes = asked
    let transactions = try Samples.chain(12_000)
    let frames = try frames(transactions, options: options)
    let payloads = frames.dropFirst().dropLast(2).map { $0.count - FrameLayout.headerBytes }
    #expect(
      payloads.allSatisfy {
        $0 > effective - 1000 && $0 <= max(effective + 1000, 1) && $0 <= 1 << 20
      })
    #expect(read(frames.flatMap { $0 }).transactions == transactions)
  }

  @Test func `flushing lets everything appended be taken`() throws {
    let transactions = try Samples.chain(2)
    var writer = try JournalWriter(JournalStreamHeader(storeID: Samples.storeID))
    var reader = JournalReader(name: "test")
    var events: [JournalReader.Event] = []
    for transaction in transactions {
      try writer.append(transaction)
      writer.flush()
      while let frame = try writer.nextFrame() { reader.feed(frame) }
      while let event = try reader.next() { events.append(event) }
    }
    #expect(events.count == 3)
    #expect(!reader.isComplete)
    writer.flush()
    #expect(try writer.nextFrame() == nil)
    try writer.finish()
    let totals = try #require(try writer.nextFrame())
    reader.feed(totals)
    guard case .totals(let read) = try reader.next() else {
      Issue.record("no totals")
      return
    }
    #expect(read.transactionCount == 2 && read.frameCount == 3)
    try reader.finish()
  }

  @Test func `a finished stream takes nothing more`() throws {
    var writer = try JournalWriter(JournalStreamHeader(storeID: Samples.storeID))
    try writer.finish()
    #expect(throws: JournalError.finished) { try writer.append(Samples.encoded()) }
    #expect(throws: JournalError.finished) { try writer.finish() }
  }

  @Test func `a stream can be pulled from a source`() throws {
    let transactions = try Samples.chain(10)
    var stream = JournalStream(name: "test", source(of: try write(transactions)))
    var pulled: [EncodedTransaction] = []
    while let event = try stream.next() {
      if case .transactions(let some, _) = event { pulled += some }
    }
    #expect(pulled == transactions)
    #expect(try stream.next() == nil)
    var cut = JournalStream(name: "test", source(of: try write(transactions).dropLast()))
    #expect(throws: JournalError.self) { while try cut.next() != nil {} }
  }

  @Test func `the checksum is CRC-32C`() {
    #expect(Checksum.crc32c(of: Array("123456789".utf8)[...]) == 0xe306_9283)
    #expect(Checksum.crc32c(of: []) == 0)
    // RFC 3720, appendix B.4.
    #expect(Checksum.crc32c(of: Array(repeating: 0, count: 32)[...]) == 0x8a91_36aa)
    #expect(Checksum.crc32c(of: Array(repeating: 0xff, count: 32)[...]) == 0x62a8_ab43)
    #expect(Checksum.crc32c(of: Array(0..<32)[...]) == 0x46dd_794e)
  }
}
