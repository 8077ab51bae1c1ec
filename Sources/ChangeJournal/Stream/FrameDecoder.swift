// SPDX-License-Identifier: Apache-2.0

internal import StorageEngine

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
    guard Checksum.crc32c(of: stored) == header.payloadChecksum else {
      throw .corrupt(place, problem: "the payload does not match its checksum")
    }
    let plain = try expand(stored, header, at: place)
    let event = try decode(header, plain, at: place)
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
  ) throws(JournalError) -> JournalReader.Event? {
    switch header.type {
    case .stream:
      return .header(try begin(header, payload, at: place))
    case .batch:
      let transactions = try decoded(at: place) { () throws(CodingError) in
        try BatchLayout.transactions(in: payload, count: Int(header.transactionCount))
      }
      for transaction in transactions { tally.include(transaction.dot) }
      return .transactions(transactions, at: place)
    case .fragment:
      try stage(payload, header, at: place)
      return nil
    case .commit:
      return .transactions([try commit(payload, at: place)], at: place)
    case .totals:
      let totals = try decoded(at: place) { () throws(CodingError) in
        try JournalTotals(decoding: payload)
      }
      guard totals == tally.totals else {
        throw .corrupt(place, problem: "the totals differ from what was read")
      }
      isComplete = true
      return .totals(totals)
    }
  }

  private mutating func begin(
    _ header: FrameHeader, _ payload: [UInt8], at place: JournalPlace
  ) throws(JournalError) -> JournalStreamHeader {
    let streamHeader = try decoded(at: place) { () throws(CodingError) in
      try JournalStreamHeader(decoding: payload)
    }
    guard streamHeader.storeID.high == header.store else {
      throw .corrupt(place, problem: "the frame belongs to another store")
    }
    store = header.store
    tally.reached = streamHeader.since
    return streamHeader
  }

  private mutating func stage(
    _ payload: [UInt8], _ header: FrameHeader, at place: JournalPlace
  ) throws(JournalError) {
    var current = staged ?? Staged(byteCount: Int(header.transactionLength))
    let isFirst = current.fragmentCount == 0
    current.received += payload.count
    current.fragmentCount += 1
    guard !payload.isEmpty, current.received <= current.byteCount else {
      throw .corrupt(place, problem: "the fragments of a transaction do not match")
    }
    try staging(at: place) {
      if isFirst { try $0.begin(byteCount: current.byteCount) }
      try $0.append(payload)
    }
    staged = current
  }

  /// Assembles a large transaction and checks it against its commit.
  private mutating func commit(
    _ payload: [UInt8], at place: JournalPlace
  ) throws(JournalError) -> EncodedTransaction {
    guard let current = staged, current.received == current.byteCount else {
      throw .corrupt(place, problem: "fragments of a transaction are missing")
    }
    staged = nil
    let bytes = try staging(at: place) { try $0.take() }
    let transaction = try decoded(at: place) { () throws(CodingError) in
      try EncodedTransaction(decoding: bytes)
    }
    guard payload == transaction.hash.bytes else {
      throw .corrupt(place, problem: "the transaction differs from its commit")
    }
    tally.include(transaction.dot)
    return transaction
  }

  /// Calls the staging place, whose errors can be anything.
  private func staging<Result>(
    at place: JournalPlace, _ call: (any TransactionStaging) throws -> Result
  ) throws(JournalError) -> Result {
    do {
      return try call(staging)
    } catch {
      throw .staging(place, problem: "\(error)")
    }
  }

  /// Decodes something, whose errors are damage of the stream.
  private func decoded<Result>(
    at place: JournalPlace, _ decode: () throws(CodingError) -> Result
  ) throws(JournalError) -> Result {
    do throws(CodingError) {
      return try decode()
    } catch {
      throw error.journalError(at: place)
    }
  }
}

extension CodingError {
  /// The same, as damage of a stream: for those who decode operations of what they have read.
  public func journalError(at place: JournalPlace) -> JournalError {
    switch problem {
    case .unknownOperation(let kind): .unsupportedOperation(place, kind: kind)
    case .unknownFormat(let format):
      .unsupportedVersion(place, found: format, supported: TransactionHeader.format)
    default: .corrupt(place, problem: "payload \(description)")
    }
  }
}
