// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ChangeJournal

struct FragmentTests {
  typealias Offset = FrameLayout.Offset

  /// Three transactions, the second too long for a batch.
  private func transactions(bytes: Int = 2_500_000) throws -> [EncodedTransaction] {
    try Samples.chain(3) { index in
      let count = index == 1 ? bytes : 10
      let noise = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 131 ^ $0 >> 7) }
      return [Samples.patch("blobs", .integer(Int64(index)), ("data", .bytes(noise)))]
    }
  }

  private func type(_ frame: [UInt8]) -> FrameType? { FrameType(rawValue: frame[Offset.type]) }

  @Test(arguments: [0, 3])
  func `a large transaction travels in fragments and arrives whole`(level: Int) throws {
    let transactions = try transactions()
    var options = JournalWriter.Options()
    options.compressionLevel = level
    let frames = try frames(transactions, options: options)
    #expect(
      frames.map(type) == [
        .stream, .batch, .fragment, .fragment, .fragment, .commit, .batch, .totals,
      ])
    for frame in frames { #expect(frame.count <= FrameLayout.headerBytes + 1 << 20) }
    let reading = read(frames.flatMap { $0 }, chunk: 100_000)
    #expect(reading.error == nil)
    #expect(reading.transactions == transactions)
    #expect(reading.totals?.transactionCount == 3)
  }

  @Test func `the longest transaction of a batch and the shortest in fragments`() throws {
    let overhead =
      try Samples.chain(2) { _ in
        [Samples.patch("blobs", .integer(1), ("data", .bytes(Array(repeating: 0, count: 1 << 20))))]
      }[1].bytes.count - (1 << 20)
    let fitting = (1 << 20) - overhead - BatchLayout.lengthBytes
    for (length, types) in [
      (fitting, [FrameType.stream, .batch, .batch, .batch, .totals]),
      (fitting + 1, [.stream, .batch, .fragment, .commit, .batch, .totals]),
    ] {
      let transactions = try transactions(bytes: length)
      let frames = try frames(transactions, options: .plain)
      #expect(frames.map(type) == types, "\(length)")
      #expect(read(frames.flatMap { $0 }).transactions == transactions)
    }
  }

  @Test func `fragments lost, repeated, exchanged or alone are refused`() throws {
    let frames = try frames(try transactions(), options: .plain)
    let number = { (index: Int, frame: [UInt8]) in
      forge(frame) { $0.set(UInt64(index), at: Offset.number) }
    }
    let orders = [
      [0, 1, 2, 3, 5], [0, 1, 2, 4, 5], [0, 1, 3, 4, 5], [0, 1, 2, 2, 3, 4, 5], [0, 1, 3, 2, 4, 5],
      [0, 1, 5], [0, 1, 2, 3, 4, 6], [0, 1, 2, 3, 4, 7], [0, 1, 2, 6, 3, 4, 5],
      [0, 1, 2, 3, 4, 4, 5],
      [0, 1, 2, 3, 4, 5, 5], [0, 1, 2, 2],
    ]
    for order in orders {
      let stream = order.enumerated().flatMap { number($0.offset, frames[$0.element]) }
      let reading = read(stream)
      guard case .corrupt? = reading.error else {
        Issue.record("\(order): \(String(describing: reading.error))")
        continue
      }
      #expect(reading.transactions.count <= 2, "\(order)")
    }
  }

  @Test func `fragments that disagree with their commit are refused`() throws {
    let frames = try frames(try transactions(), options: .plain)
    let changes: [(Int, (inout [UInt8]) -> Void)] = [
      (5, { $0.set(UInt64(2_000_000), at: Offset.transactionLength) }),
      (3, { $0.set(UInt64(2_000_000), at: Offset.transactionLength) }),
      (5, { $0.set(UInt32(2), at: Offset.fragment) }),
      (3, { $0.set(UInt32(0), at: Offset.fragment) }),
      (2, { $0.set(UInt32(1), at: Offset.fragment) }),
      (2, { $0.set(UInt64(0), at: Offset.transactionLength) }),
      (2, { $0.set(UInt64(1 << 30 + 1), at: Offset.transactionLength) }),
      (5, { $0.set(UInt32(0), at: Offset.transactionCount) }),
      (5, { $0.set(UInt32(2), at: Offset.transactionCount) }),
      (2, { $0.set(UInt32(1), at: Offset.transactionCount) }),
    ]
    for (index, change) in changes {
      var changed = frames
      changed[index] = forge(frames[index], change)
      let reading = read(changed.flatMap { $0 })
      #expect(reading.error != nil, "frame \(index)")
      #expect(reading.transactions.count == 1, "frame \(index)")
    }
    for (index, payload) in [(5, Hash256.zero.bytes), (5, []), (4, []), (4, [1, 2, 3])] {
      var changed = frames
      changed[index] = forge(frames[index], payload: payload)
      #expect(read(changed.flatMap { $0 }).error != nil)
      #expect(read(changed.flatMap { $0 }).transactions.count == 1)
    }
  }

  @Test func `a transaction beyond the staging limit is refused before it is staged`() throws {
    let frames = try frames(try transactions(), options: .plain)
    let staging = CountingStaging(byteLimit: 1_000_000)
    let reading = read(frames.flatMap { $0 }, staging: staging)
    guard case .limitExceeded(let place, _, _, limit: 1_000_000)? = reading.error else {
      Issue.record("\(String(describing: reading.error))")
      return
    }
    #expect(place.frame == 2)
    #expect(staging.appended == 0)
    #expect(reading.transactions.count == 1)
  }

  @Test func `what was staged is discarded when the stream ends or is damaged`() throws {
    let frames = try frames(try transactions(), options: .plain)
    let cut = CountingStaging(byteLimit: 1 << 30)
    _ = read(frames[..<4].flatMap { $0 }, staging: cut)
    #expect(cut.appended > 0 && cut.isDiscarded)
    let damaged = CountingStaging(byteLimit: 1 << 30)
    _ = read(frames[..<4].flatMap { $0 } + Array(repeating: 0, count: 64), staging: damaged)
    #expect(damaged.appended > 0 && damaged.isDiscarded)
  }

  @Test func `a staging place that fails is named with its problem`() throws {
    let staging = CountingStaging(byteLimit: 1 << 30)
    staging.failure = CodingError(offset: 0, problem: .trailingBytes)
    let frames = try frames(try transactions(), options: .plain)
    guard case .staging(let place, _)? = read(frames.flatMap { $0 }, staging: staging).error
    else {
      Issue.record("the failure was lost")
      return
    }
    #expect(place.frame == 2)
  }
}

/// Counts what is staged, and fails when told to.
private final class CountingStaging: TransactionStaging {
  let byteLimit: Int
  var appended = 0
  var isDiscarded = false
  var failure: (any Error)?
  private var bytes: [UInt8] = []

  init(byteLimit: Int) {
    self.byteLimit = byteLimit
  }

  func begin(byteCount: Int) {}

  func append(_ bytes: [UInt8]) throws {
    if let failure { throw failure }
    appended += bytes.count
    self.bytes += bytes
  }

  func take() -> [UInt8] { bytes }

  func discard() { isDiscarded = true }
}
