// SPDX-License-Identifier: Apache-2.0

internal import StorageEngine

/// The fixed header before the payload of every frame.
struct FrameHeader: Equatable {
  /// What the frame carries.
  var type: FrameType
  /// How the payload is stored.
  var codec: FrameCodec = .none
  /// Place of the frame in its stream, from 0: a lost or repeated frame shows.
  var number: UInt64
  /// Bytes of the payload before compression.
  var plainLength: UInt32 = 0
  /// Bytes of the payload as stored.
  var storedLength: UInt32 = 0
  /// Transactions that are complete with this frame.
  var transactionCount: UInt32 = 0
  /// Of a fragment its place from 0, of a commit the count of fragments.
  var fragment: UInt32 = 0
  /// The first eight bytes of the store id: a frame of another data set shows.
  var store: UInt64
  /// Of fragment and commit: the canonical bytes of the whole transaction.
  var transactionLength: UInt64 = 0
  /// CRC-32C of the payload as stored.
  var payloadChecksum: UInt32 = 0
}

extension FrameHeader {
  /// The header's bytes, with its own checksum.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(FrameLayout.headerBytes)
    bytes += FrameLayout.magic
    bytes.append(littleEndian: FrameLayout.version)
    bytes.append(type.rawValue)
    bytes.append(codec.rawValue)
    bytes.append(littleEndian: UInt32(0))
    bytes.append(littleEndian: number)
    bytes.append(littleEndian: plainLength)
    bytes.append(littleEndian: storedLength)
    bytes.append(littleEndian: transactionCount)
    bytes.append(littleEndian: fragment)
    bytes.append(bigEndian: store)
    bytes.append(littleEndian: transactionLength)
    bytes.append(littleEndian: payloadChecksum)
    bytes.append(littleEndian: Checksum.crc32c(of: bytes[...]))
    return bytes
  }

  /// Why sixty-four bytes are no header.
  enum Problem: Error, Equatable {
    /// Damaged.
    case checksum
    /// Intact but not ours, or damaged from the first byte on.
    case magic
    /// Of a later format.
    case version(UInt16)
    /// A length beyond what is accepted.
    case length(String, UInt64, limit: UInt64)
    /// Something no writer produces.
    case malformed(String)
  }

  /// Reads a header.
  ///
  /// The checksum is judged before anything else is believed.
  init(decoding bytes: ArraySlice<UInt8>) throws(Problem) {
    typealias Offset = FrameLayout.Offset
    let start = bytes.startIndex
    let checksum = Checksum.crc32c(of: bytes[start..<start + Offset.headerChecksum])
    let isMagic = bytes.prefix(FrameLayout.magic.count).elementsEqual(FrameLayout.magic)
    guard checksum == bytes.littleEndian(at: Offset.headerChecksum) else {
      throw isMagic ? .checksum : .magic
    }
    guard isMagic else { throw .magic }
    let version: UInt16 = bytes.littleEndian(at: Offset.version)
    guard version == FrameLayout.version else { throw .version(version) }
    guard let type = FrameType(rawValue: bytes[start + Offset.type]) else {
      throw .malformed("frame type \(bytes[start + Offset.type])")
    }
    guard let codec = FrameCodec(rawValue: bytes[start + Offset.codec]) else {
      throw .malformed("codec \(bytes[start + Offset.codec])")
    }
    let flags: UInt32 = bytes.littleEndian(at: Offset.flags)
    guard flags == 0 else { throw .malformed("flags \(flags)") }
    self.init(
      type: type, codec: codec, number: bytes.littleEndian(at: Offset.number),
      plainLength: bytes.littleEndian(at: Offset.plainLength),
      storedLength: bytes.littleEndian(at: Offset.storedLength),
      transactionCount: bytes.littleEndian(at: Offset.transactionCount),
      fragment: bytes.littleEndian(at: Offset.fragment),
      store: bytes.bigEndianWord(at: Offset.store),
      transactionLength: bytes.littleEndian(at: Offset.transactionLength),
      payloadChecksum: bytes.littleEndian(at: Offset.payloadChecksum))
    try validate()
  }

  private func validate() throws(Problem) {
    let limit = UInt32(FrameLayout.payloadBytes)
    guard plainLength <= limit else {
      throw .length("a frame's payload", UInt64(plainLength), limit: UInt64(limit))
    }
    guard codec == .zlib ? storedLength < plainLength : storedLength == plainLength else {
      throw .malformed("stored length \(storedLength) of \(plainLength) plain bytes")
    }
    try validateTransactions()
  }

  /// Checks the fields about transactions against the type of the frame.
  private func validateTransactions() throws(Problem) {
    // A transaction has at least its length and a header: no count can be believed beyond that.
    let counts: ClosedRange<UInt32> =
      switch type {
      case .batch: 1...max(1, plainLength / UInt32(BatchLayout.leastTransactionBytes))
      case .commit: 1...1
      case .stream, .fragment, .totals: 0...0
      }
    guard counts.contains(transactionCount) else {
      throw .malformed("transaction count \(transactionCount)")
    }
    let isPart = type == .fragment || type == .commit
    guard transactionLength <= UInt64(JournalLimits.transactionBytes) else {
      throw .length(
        "a transaction", transactionLength, limit: UInt64(JournalLimits.transactionBytes))
    }
    guard isPart ? transactionLength > 0 : transactionLength == 0 && fragment == 0 else {
      throw .malformed("transaction length \(transactionLength)")
    }
  }
}

extension Array<UInt8> {
  /// Appends a number, least significant byte first.
  mutating func append(littleEndian number: some FixedWidthInteger & UnsignedInteger) {
    var rest = UInt64(number)
    for _ in 0..<number.bitWidth / 8 {
      append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }
}

extension ArraySlice<UInt8> {
  /// Reads a number, least significant byte first, `offset` bytes from the beginning.
  func littleEndian<Number: FixedWidthInteger>(at offset: Int) -> Number {
    var number: UInt64 = 0
    for index in (0..<Number.bitWidth / 8).reversed() {
      number = number << 8 | UInt64(self[startIndex + offset + index])
    }
    return Number(truncatingIfNeeded: number)
  }
}
