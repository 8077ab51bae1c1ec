// SPDX-License-Identifier: Apache-2.0

import StorageEngine

@testable import ChangeJournal

/// Writes a complete stream.
func write(
  _ transactions: [EncodedTransaction], since: VersionVector = VersionVector(),
  options: JournalWriter.Options = .init()
) throws -> [UInt8] {
  try frames(transactions, since: since, options: options).flatMap { $0 }
}

/// Writes a complete stream, frame by frame.
func frames(
  _ transactions: [EncodedTransaction], since: VersionVector = VersionVector(),
  options: JournalWriter.Options = .init()
) throws -> [[UInt8]] {
  var frames: [[UInt8]] = []
  var writer = try JournalWriter(
    JournalStreamHeader(storeID: Samples.storeID, since: since), options: options)
  for transaction in transactions {
    try writer.append(transaction)
    while let frame = try writer.nextFrame() { frames.append(frame) }
  }
  try writer.finish()
  while let frame = try writer.nextFrame() { frames.append(frame) }
  return frames
}

/// What reading a stream gave.
struct Reading {
  var header: JournalStreamHeader?
  var transactions: [EncodedTransaction] = []
  var totals: JournalTotals?
  var error: JournalError?
}

/// Reads a stream that arrives in pieces of `chunk` bytes, to its end or its first error.
func read(
  _ bytes: [UInt8], chunk: Int = .max, staging: any TransactionStaging = MemoryStaging()
) -> Reading {
  var reading = Reading()
  var reader = JournalReader(name: "test", staging: staging)
  do throws(JournalError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      reader.feed(rest.prefix(chunk))
      rest = rest.dropFirst(chunk)
      while let event = try reader.next() {
        switch event {
        case .header(let header): reading.header = header
        case .transactions(let transactions, _): reading.transactions += transactions
        case .totals(let totals): reading.totals = totals
        }
      }
    }
    try reader.finish()
  } catch {
    reading.error = error
  }
  return reading
}

/// Changes a frame's header and payload, and makes lengths and checksums right again.
func forge(
  _ frame: [UInt8], payload: [UInt8]? = nil, keepingLengths: Bool = false,
  _ change: (inout [UInt8]) -> Void = { _ in }
) -> [UInt8] {
  typealias Offset = FrameLayout.Offset
  var header = Array(frame[..<FrameLayout.headerBytes])
  let payload = payload ?? Array(frame[FrameLayout.headerBytes...])
  if !keepingLengths, header[Offset.codec] == FrameCodec.none.rawValue {
    header.set(UInt32(payload.count), at: Offset.plainLength)
    header.set(UInt32(payload.count), at: Offset.storedLength)
  }
  header.set(Checksum.crc32c(of: payload[...]), at: Offset.payloadChecksum)
  change(&header)
  header.set(Checksum.crc32c(of: header[..<Offset.headerChecksum]), at: Offset.headerChecksum)
  return header + payload
}

extension Array<UInt8> {
  /// Overwrites a number, least significant byte first.
  mutating func set<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number, at offset: Int) {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: number)
    replaceSubrange(offset..<offset + bytes.count, with: bytes)
  }
}

extension JournalWriter.Options {
  /// No compression, so that payloads can be looked at and changed.
  static var plain: Self {
    var options = Self()
    options.compressionLevel = 0
    return options
  }
}

/// Bytes as a journal stream pulls them.
func source(of bytes: [UInt8]) -> (Int) -> [UInt8] {
  var rest = bytes[...]
  return { count in
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }
}
