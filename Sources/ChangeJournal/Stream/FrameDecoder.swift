// SPDX-License-Identifier: Apache-2.0

/// Turns whole frames into events, and keeps count of them.
struct FrameDecoder {
  /// A large transaction of which fragments have come.
  private struct Staged {
    let byteCount: Int
    var received = 0
    var fragmentCount: UInt32 = 0
  }

  private let staging: any TransactionStaging
  private var store: UInt64?
  private var staged: Staged?
  private(set) var isComplete = false
  private(set) var tally = JournalTally()

  init(staging: any TransactionStaging) {
    self.staging = staging
  }

  /// Checks that a frame may stand where it stands, before its payload is waited for.
  func checkOrder(_ header: FrameHeader, at place: JournalPlace) throws(JournalError) {
    guard header.number == tally.frameCount else {
      throw .corrupt(place, problem: "frame \(header.number) stands here")
    }
    guard (header.type == .stream) == (header.number == 0) else {
      throw .corrupt(place, problem: "a frame of type \(header.type) stands here")
    }
    if let store, header.store != store {
      throw .corrupt(place, problem: "the frame belongs to another store")
    }
    switch (header.type, staged) {
    case (.fragment, nil):
      guard header.fragment == 0 else {
        throw .corrupt(place, problem: "fragment \(header.fragment) of no transaction")
      }
      guard header.transactionLength <= UInt64(staging.byteLimit) else {
        throw .limitExceeded(
          place, what: "a transaction", length: header.transactionLength,
          limit: UInt64(staging.byteLimit))
      }
    case (.fragment, let staged?), (.commit, let staged?):
      guard header.fragment == staged.fragmentCount,
        header.transactionLength == UInt64(staged.byteCount)
      else { throw .corrupt(place, problem: "the fragments of a transaction do not match") }
    case (_, nil) where header.type != .commit: break
    default: throw .corrupt(place, problem: "a frame of type \(header.type) stands here")
    }
  }

  /// Verifies and decodes a frame whose header was checked already.
  mutating func decode(
    _ header: FrameHeader, _ bytes: ArraySlice<UInt8>, at place: JournalPlace
  ) throws(JournalError) -> JournalReader.Event? {
    let stored = bytes.dropFirst(FrameLayout.headerBytes)
    guard CRC32C.checksum(of: stored) == header.payloadChecksum else {
      throw .corrupt(place, problem: "the payload does not match its checksum")
    }
    let plain = try expand(stored, header, at: place)
    let event: JournalReader.Event?
    do {
      event = try decode(header, plain, at: place)
    } catch let error as CodingError {
      throw error.journalError(at: place)
    } catch let error as JournalError {
      throw error
    } catch {
      throw .staging(place, problem: "\(error)")
    }
    tally.count(
      header, headerBytes: bytes.prefix(FrameLayout.headerBytes), payload: stored)
    return event
  }

  private func expand(
    _ stored: ArraySlice<UInt8>, _ header: FrameHeader, at place: JournalPlace
  ) throws(JournalError) -> [UInt8] {
    guard header.codec == .zlib else { return Array(stored) }
    guard let plain = ZlibCodec.expand(stored, plainLength: Int(header.plainLength)) else {
      throw .corrupt(
        place, problem: "the payload does not expand to \(header.plainLength) bytes")
    }
    return plain
  }

  private mutating func decode(
    _ header: FrameHeader, _ payload: [UInt8], at place: JournalPlace
  ) throws -> JournalReader.Event? {
    switch header.type {
    case .stream:
      let streamHeader = try JournalStreamHeader(decoding: payload)
      guard streamHeader.storeID.high == header.store else {
        throw JournalError.corrupt(place, problem: "the frame belongs to another store")
      }
      store = header.store
      tally.reached = streamHeader.since
      return .header(streamHeader)
    case .batch:
      return .transactions(
        try batch(payload, count: Int(header.transactionCount)), at: place)
    case .fragment:
      try stage(payload, header, at: place)
      return nil
    case .commit:
      return .transactions([try commit(payload, at: place)], at: place)
    case .totals:
      let totals = try JournalTotals(decoding: payload)
      guard totals == tally.totals else {
        throw JournalError.corrupt(place, problem: "the totals differ from what was read")
      }
      isComplete = true
      return .totals(totals)
    }
  }

  /// Cuts a batch into its transactions.
  private mutating func batch(_ payload: [UInt8], count: Int) throws -> [EncodedTransaction] {
    var transactions: [EncodedTransaction] = []
    var start = 0
    while start < payload.count {
      guard payload.count - start > BatchLayout.lengthBytes else {
        throw CodingError(offset: start, problem: .unexpectedEnd)
      }
      let length: UInt32 = payload[start...].littleEndian(at: 0)
      let body = start + BatchLayout.lengthBytes
      guard Int(length) <= payload.count - body else {
        throw CodingError(offset: start, problem: .unexpectedEnd)
      }
      start = body + Int(length)
      do {
        transactions.append(try EncodedTransaction(decoding: Array(payload[body..<start])))
      } catch {
        throw error.shifted(by: body)
      }
    }
    guard transactions.count == count, count > 0 else {
      throw CodingError(offset: 0, problem: .malformed("transaction count"))
    }
    for transaction in transactions { tally.include(transaction.dot) }
    return transactions
  }

  private mutating func stage(
    _ payload: [UInt8], _ header: FrameHeader, at place: JournalPlace
  ) throws {
    var current = staged ?? Staged(byteCount: Int(header.transactionLength))
    if current.fragmentCount == 0 { try staging.begin(byteCount: current.byteCount) }
    current.received += payload.count
    current.fragmentCount += 1
    guard !payload.isEmpty, current.received <= current.byteCount else {
      throw JournalError.corrupt(place, problem: "the fragments of a transaction do not match")
    }
    try staging.append(payload)
    staged = current
  }

  /// Assembles a large transaction and checks it against its commit.
  private mutating func commit(_ payload: [UInt8], at place: JournalPlace) throws
    -> EncodedTransaction
  {
    guard let current = staged, current.received == current.byteCount else {
      throw JournalError.corrupt(place, problem: "fragments of a transaction are missing")
    }
    staged = nil
    let transaction = try EncodedTransaction(decoding: try staging.take())
    guard payload == transaction.hash.bytes else {
      throw JournalError.corrupt(place, problem: "the transaction differs from its commit")
    }
    tally.include(transaction.dot)
    return transaction
  }
}

extension CodingError {
  /// The same, as damage of a stream.
  func journalError(at place: JournalPlace) -> JournalError {
    switch problem {
    case .unknownOperation(let kind): .unsupportedOperation(place, kind: kind)
    case .unknownFormat(let format):
      .unsupportedVersion(place, found: format, supported: TransactionHeader.format)
    default: .corrupt(place, problem: "payload \(description)")
    }
  }
}
