// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import ChangeJournal

/// Accidents: what a disk or a line may do to a stream.
///
/// Nothing but whole verified transactions is ever handed out, and the end never seems good.
struct StreamDamageTests {
  /// A small stream with two batches and a large transaction in fragments.
  private func small() throws -> (frames: [[UInt8]], transactions: [EncodedTransaction]) {
    let transactions = try Samples.chain(4)
    var frames: [[UInt8]] = []
    var writer = try JournalWriter(JournalStreamHeader(storeID: Samples.storeID))
    for transaction in transactions {
      try writer.append(transaction)
      if transaction.header.sequence.isMultiple(of: 2) { writer.flush() }
      while let frame = try writer.nextFrame() { frames.append(frame) }
    }
    try writer.finish()
    while let frame = try writer.nextFrame() { frames.append(frame) }
    return (frames, transactions)
  }

  /// The transactions of the frames that lie whole before `offset`.
  private func expected(
    _ frames: [[UInt8]], _ transactions: [EncodedTransaction], before offset: Int
  ) -> [EncodedTransaction] {
    var end = 0
    var count = 0
    for frame in frames {
      end += frame.count
      if end > offset { break }
      count += Int(frame[FrameLayout.Offset.transactionCount])
    }
    return Array(transactions.prefix(count))
  }

  @Test func `a stream cut short at any length is refused and gives whole batches only`() throws {
    let (frames, transactions) = try small()
    let stream = frames.flatMap { $0 }
    for length in 0..<stream.count {
      let reading = read(Array(stream[..<length]))
      #expect(reading.totals == nil)
      guard case .truncated(let place)? = reading.error else {
        Issue.record("cut at \(length): \(String(describing: reading.error))")
        continue
      }
      #expect(place.offset <= UInt64(length))
      #expect(
        reading.transactions == expected(frames, transactions, before: length), "\(length)")
    }
  }

  @Test func `a flipped bit anywhere is refused and gives only the batches before it`() throws {
    let (frames, transactions) = try small()
    let stream = frames.flatMap { $0 }
    for bit in 0..<stream.count * 8 {
      var damaged = stream
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      let reading = read(damaged)
      #expect(reading.error != nil, "bit \(bit)")
      #expect(reading.totals == nil, "bit \(bit)")
      #expect(
        reading.transactions == expected(frames, transactions, before: bit / 8), "bit \(bit)")
      if case .unsupportedVersion? = reading.error {
        Issue.record("bit \(bit): damage must not look like a later version")
      }
    }
  }

  @Test(arguments: testSeeds(100))
  func `random damage is refused`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let (frames, transactions) = try small()
    var damaged = frames.flatMap { $0 }
    let first = Int.random(in: 0..<damaged.count, using: &generator)
    for _ in 0..<Int.random(in: 1...20, using: &generator) {
      let place = Int.random(in: first..<damaged.count, using: &generator)
      damaged[place] &+= UInt8.random(in: 1...255, using: &generator)
    }
    guard damaged != frames.flatMap({ $0 }) else { return }
    let reading = read(damaged, chunk: 100)
    #expect(reading.error != nil)
    #expect(transactions.starts(with: reading.transactions))
  }

  @Test func `an error names file, frame and offset and is final`() throws {
    let frames = try small().frames
    var damaged = frames
    damaged[1][FrameLayout.headerBytes] ^= 1
    var reader = JournalReader(name: "journal.bin")
    reader.feed(damaged.flatMap { $0 })
    _ = try reader.next()
    let error = JournalError.corrupt(
      JournalPlace(stream: "journal.bin", offset: UInt64(frames[0].count), frame: 1),
      problem: "the payload does not match its checksum")
    #expect(throws: error) { try reader.next() }
    #expect(throws: error) { try reader.next() }
    #expect(throws: error) { try reader.finish() }
    #expect(
      error.description
        == "journal.bin, byte \(frames[0].count) (frame 1): the payload does not match its checksum"
    )
  }

  @Test func `frames lost, repeated or exchanged are refused`() throws {
    let frames = try small().frames
    for index in frames.indices {
      var lost = frames
      lost.remove(at: index)
      #expect(read(lost.flatMap { $0 }).error != nil, "lost \(index)")
      var repeated = frames
      repeated.insert(frames[index], at: index)
      #expect(read(repeated.flatMap { $0 }).error != nil, "repeated \(index)")
      if index > 0 {
        var exchanged = frames
        exchanged.swapAt(index, index - 1)
        #expect(read(exchanged.flatMap { $0 }).error != nil, "exchanged \(index)")
      }
    }
  }

  @Test func `anything behind the totals is refused`() throws {
    let frames = try small().frames
    let stream = frames.flatMap { $0 }
    for rest in [[0], Array("\n".utf8), frames[0], frames[frames.count - 1], stream] {
      guard case .corrupt(let place, _)? = read(stream + rest).error else {
        Issue.record("accepted \(rest.count) bytes behind the totals")
        continue
      }
      #expect(place.offset == UInt64(stream.count))
    }
  }

  @Test func `a stream without totals is damaged however good its frames are`() throws {
    let frames = try small().frames
    let reading = read(frames.dropLast().flatMap { $0 })
    #expect(reading.transactions.count == 4)
    guard case .truncated? = reading.error else {
      Issue.record("\(String(describing: reading.error))")
      return
    }
  }
}
