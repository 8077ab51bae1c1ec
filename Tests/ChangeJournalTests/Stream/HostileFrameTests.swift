// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ChangeJournal

/// Frames whose checksums are right and whose contents no writer of ours produces.
struct HostileFrameTests {
  typealias Offset = FrameLayout.Offset

  private func plainFrames(_ count: Int = 2) throws -> [[UInt8]] {
    try frames(try Samples.chain(count), options: .plain)
  }

  /// Reads a stream in which one frame is replaced, and expects that nothing is accepted of it.
  private func expectRefusal(
    _ frames: [[UInt8]], replacing index: Int, by frame: [UInt8], _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var changed = frames
    changed[index] = frame
    let reading = read(changed.flatMap { $0 })
    #expect(reading.error != nil, comment, sourceLocation: sourceLocation)
    #expect(reading.totals == nil, comment, sourceLocation: sourceLocation)
    #expect(
      index > 1 || reading.transactions.isEmpty, comment, sourceLocation: sourceLocation)
  }

  static let impossible: [(Int, UInt8)] = [
    (Offset.type, 0), (Offset.type, 6), (Offset.type, 255), (Offset.type, 3), (Offset.type, 4),
    (Offset.codec, 2), (Offset.codec, 255), (Offset.codec, 1), (Offset.flags, 1),
    (Offset.flags + 3, 128), (Offset.number, 0), (Offset.number + 7, 1), (Offset.fragment, 1),
    (Offset.store, 1), (Offset.transactionLength, 1), (Offset.transactionLength + 7, 255),
    (Offset.transactionCount, 0), (Offset.transactionCount, 3), (Offset.transactionCount + 3, 255),
    (Offset.plainLength, 0), (Offset.plainLength + 3, 255), (Offset.storedLength + 3, 255),
    (Offset.storedLength, 0),
  ]

  @Test(arguments: impossible)
  func `a batch header with an impossible field is refused`(offset: Int, byte: UInt8) throws {
    let frames = try plainFrames()
    let forged = forge(frames[1]) { $0[offset] = byte }
    #expect(forged != frames[1])
    expectRefusal(frames, replacing: 1, by: forged)
  }

  @Test func `a payload beyond the limit is refused from the header alone`() throws {
    let frames = try plainFrames()
    for length in [UInt32(FrameLayout.payloadBytes + 1), 1 << 31, .max] {
      let forged = forge(frames[1], keepingLengths: true) {
        $0.set(length, at: Offset.plainLength)
        $0.set(length, at: Offset.storedLength)
      }
      let reading = read(frames[0] + forged[..<FrameLayout.headerBytes])
      #expect(
        reading.error
          == .limitExceeded(
            JournalPlace(stream: "test", offset: UInt64(frames[0].count), frame: 1),
            what: "a frame's payload", length: UInt64(length), limit: 1 << 20))
    }
  }

  @Test func `a stored payload longer than its plain one is refused`() throws {
    let frames = try plainFrames()
    for codec in FrameCodec.allCases {
      let forged = forge(frames[1], keepingLengths: true) {
        $0[Offset.codec] = codec.rawValue
        $0.set(UInt32(FrameLayout.payloadBytes), at: Offset.plainLength)
        $0.set(UInt32(FrameLayout.payloadBytes + 1), at: Offset.storedLength)
      }
      expectRefusal(frames, replacing: 1, by: forged)
    }
  }

  /// Puts a zlib payload into a batch frame.
  private func zlibFrame(_ frame: [UInt8], _ stored: [UInt8], plainLength: Int) -> [UInt8] {
    forge(frame, payload: stored) {
      $0[Offset.codec] = FrameCodec.zlib.rawValue
      $0.set(UInt32(plainLength), at: Offset.plainLength)
      $0.set(UInt32(stored.count), at: Offset.storedLength)
    }
  }

  @Test func `a zlib bomb expands to its declared length at most`() throws {
    let frames = try plainFrames()
    let bomb = try #require(ZlibCodec.compress(Array(repeating: 0, count: 64 << 20), level: 9))
    #expect(bomb.count < 70_000)
    for declared in [bomb.count + 1, 100_000, FrameLayout.payloadBytes] {
      expectRefusal(frames, replacing: 1, by: zlibFrame(frames[1], bomb, plainLength: declared))
    }
  }

  @Test func `a compressed payload must expand exactly`() throws {
    let frames = try frames(try Samples.chain(100), options: .plain)
    let plain = Array(frames[1][FrameLayout.headerBytes...])
    let stored = try #require(ZlibCodec.compress(plain, level: 6))
    let right = zlibFrame(frames[1], stored, plainLength: plain.count)
    let whole = read(frames[0] + right).transactions
    #expect(whole.count == 100, "the construction is right")
    let wrong: [([UInt8], Int)] = [
      (stored, plain.count - 1), (stored, plain.count + 1), (stored + [0], plain.count),
      (Array(stored.dropLast()), plain.count), ([], plain.count), ([0x78], plain.count),
      (Array(repeating: 0, count: 100), plain.count),
    ]
    for (payload, length) in wrong {
      expectRefusal(frames, replacing: 1, by: zlibFrame(frames[1], payload, plainLength: length))
    }
    for index in stored.indices {
      var damaged = stored
      damaged[index] ^= 0x10
      let frame = zlibFrame(frames[1], damaged, plainLength: plain.count)
      // The bits that fill up the last byte of the compressed data mean nothing: zlib accepts any.
      let transactions = read(frames[0] + frame).transactions
      #expect(transactions.isEmpty || index == stored.count - 5, "byte \(index)")
      #expect(transactions.isEmpty || transactions == whole, "byte \(index)")
    }
  }

  @Test func `a batch is cut into exactly its transactions`() throws {
    let frames = try plainFrames()
    let payload = Array(frames[1][FrameLayout.headerBytes...])
    for length in 0..<payload.count {
      expectRefusal(
        frames, replacing: 1, by: forge(frames[1], payload: Array(payload[..<length])))
    }
    expectRefusal(frames, replacing: 1, by: forge(frames[1], payload: payload + [0]))
    expectRefusal(
      frames, replacing: 1, by: forge(frames[1], payload: payload + [0, 0, 0, 0]))
    for length in [0, 1, UInt32(payload.count), .max] {
      var changed = payload
      changed.set(length, at: 0)
      expectRefusal(frames, replacing: 1, by: forge(frames[1], payload: changed))
    }
  }

  @Test func `a batch with one bad transaction gives none`() throws {
    let frames = try plainFrames(3)
    var payload = Array(frames[1][FrameLayout.headerBytes...])
    payload[payload.count - 1] ^= 1
    let forged = forge(frames[1], payload: payload)
    expectRefusal(frames, replacing: 1, by: forged)
    guard case .corrupt(let place, let problem)? = read(frames[0] + forged).error else { return }
    #expect(place.frame == 1)
    #expect(problem.contains("differs from its digest"))
  }

  @Test func `a stream header that is none is refused`() throws {
    let frames = try plainFrames()
    let payload = Array(frames[0][FrameLayout.headerBytes...])
    let wrong = [
      [], payload + [0], Array(payload.dropLast()), bytes(hex: "80"), bytes(hex: "8240a0"),
      bytes(hex: "82 50 ffffffffffffffff ffffffffffffffff a0"),
      Array(payload.dropLast()) + bytes(hex: "a101f6"),
    ]
    for payload in wrong {
      expectRefusal(frames, replacing: 0, by: forge(frames[0], payload: payload))
    }
  }

  @Test func `totals that differ in anything are refused`() throws {
    let frames = try plainFrames()
    let reading = read(frames.flatMap { $0 })
    let totals = try #require(reading.totals)
    var reached = totals.reached
    reached[Samples.origin(1)] += 1
    let wrong = [
      totals.replacing(frameCount: 3), totals.replacing(transactionCount: 3),
      totals.replacing(plainByteCount: 0), totals.replacing(digest: .zero),
      totals.replacing(reached: reached), totals.replacing(reached: VersionVector()),
    ]
    for totals in wrong {
      expectRefusal(
        frames, replacing: 2, by: forge(frames[2], payload: try totals.encoded()), "\(totals)")
    }
    for payload in [[], [0x80], Array(try totals.encoded().dropLast()), try totals.encoded() + [0]]
    {
      expectRefusal(frames, replacing: 2, by: forge(frames[2], payload: payload))
    }
  }

  @Test func `the stream frame is the first and only one`() throws {
    let frames = try plainFrames()
    let second = forge(frames[0]) { $0.set(UInt64(1), at: Offset.number) }
    guard case .corrupt? = read(frames[0] + second).error else {
      Issue.record("accepted a second stream frame")
      return
    }
    let first = forge(frames[1]) { $0.set(UInt64(0), at: Offset.number) }
    guard case .corrupt? = read(first).error else {
      Issue.record("accepted a stream without its header")
      return
    }
  }

  @Test func `text of the wrong kind and hostile transactions are named as damage`() throws {
    let frames = try plainFrames(1)
    var payload: [UInt8] = []
    let transaction = bytes(hex: "88 02")
    payload.append(littleEndian: UInt32(71))
    payload += transaction + Array(repeating: 0, count: 71 - transaction.count)
    guard
      case .unsupportedVersion(_, found: 2, supported: 1)? =
        read(frames[0] + forge(frames[1], payload: payload)).error
    else {
      Issue.record("a later transaction format is to be named")
      return
    }
  }
}

extension JournalTotals {
  fileprivate func replacing(
    frameCount: UInt64? = nil, transactionCount: UInt64? = nil, plainByteCount: UInt64? = nil,
    digest: Hash256? = nil, reached: VersionVector? = nil
  ) -> JournalTotals {
    JournalTotals(
      frameCount: frameCount ?? self.frameCount,
      transactionCount: transactionCount ?? self.transactionCount,
      plainByteCount: plainByteCount ?? self.plainByteCount, digest: digest ?? self.digest,
      reached: reached ?? self.reached)
  }
}
