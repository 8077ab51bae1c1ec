// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// Reads the frames of a snapshot.
///
/// It checks all that can be checked without knowing what is in
/// them: checksums, the order of frames, the order of keys, and the totals. Nothing may follow the
/// totals in the file.
struct SnapshotReader {
  private let name: String
  private let read: (Int) throws -> [UInt8]
  private var input: [UInt8] = []
  private var start = 0
  private var isAtEnd = false
  private var offset: UInt64 = 0
  private var frames: UInt64 = 0
  private var trees: UInt64 = 0
  private var entries: UInt64 = 0
  private var hasher = Hasher256()
  /// The tree at work, and its last key.
  private var tree: String?
  private var lastKey: [UInt8] = []
  /// Entries of the tree that are not taken yet.
  private var pending: [UInt8] = []
  private var pendingStart = 0
  private var isComplete = false

  private static let chunkBytes = 256 << 10

  init(name: String, _ read: @escaping (Int) throws -> [UInt8]) {
    self.name = name
    self.read = read
  }

  /// The frame at work.
  var place: JournalPlace {
    JournalPlace(stream: name, offset: offset, frame: frames)
  }

  /// Bytes of the file read so far.
  var byteCount: UInt64 { offset }

  /// Returns the next event; `nil` behind `.end`.
  mutating func next() throws -> ContentEvent? {
    while true {
      if let entry = try nextEntry() { return entry }
      if isComplete { return nil }
      if let event = try nextFrame() { return event }
    }
  }

  func corrupt(_ problem: String) -> SnapshotError {
    .corrupt(place, problem: problem)
  }
}

// MARK: - Frames

extension SnapshotReader {
  /// Reads a frame; `nil` when it holds entries.
  private mutating func nextFrame() throws -> ContentEvent? {
    let (header, headerBytes) = try readHeader()
    let stored = try take(Int(header.storedLength))
    guard Checksum.crc32c(of: stored[...]) == header.payloadChecksum else {
      throw corrupt("the payload does not match its checksum")
    }
    var payload = stored
    if header.isCompressed {
      guard let plain = ZlibCodec.expand(stored[...], plainLength: Int(header.plainLength)) else {
        throw corrupt("the payload does not expand to \(header.plainLength) bytes")
      }
      payload = plain
    }
    let event = try decode(header.type, payload)
    hasher.update(headerBytes)
    hasher.update(stored)
    frames += 1
    offset += UInt64(headerBytes.count + stored.count)
    return event
  }

  private mutating func readHeader() throws -> (SnapshotFrame, [UInt8]) {
    let bytes = try take(SnapshotLayout.headerBytes)
    let header: SnapshotFrame
    do {
      header = try SnapshotFrame(decoding: bytes)
    } catch {
      switch error {
      case .foreign where frames == 0: throw SnapshotError.notASnapshot(place)
      case .foreign: throw corrupt("no frame begins here")
      case .damaged(let problem): throw corrupt(problem)
      case .version(let found):
        throw SnapshotError.unsupportedVersion(
          place, found: found, supported: UInt64(SnapshotLayout.version))
      }
    }
    guard header.number == frames else { throw corrupt("frame \(header.number) stands here") }
    guard (header.type == .begin) == (frames == 0), header.type != .entries || tree != nil else {
      throw corrupt("a frame of another type was expected")
    }
    return (header, bytes)
  }

  /// Takes the next bytes of the file.
  private mutating func take(_ count: Int) throws -> [UInt8] {
    while input.count - start < count, !isAtEnd {
      let more = try read(max(Self.chunkBytes, count))
      isAtEnd = more.isEmpty
      input.removeFirst(start)
      start = 0
      input += more
    }
    guard input.count - start >= count else {
      if frames == 0, !input.starts(with: SnapshotLayout.magic.prefix(input.count)) {
        throw SnapshotError.notASnapshot(place)
      }
      throw SnapshotError.truncated(place)
    }
    defer { start += count }
    return Array(input[start..<start + count])
  }

  private mutating func decode(_ type: SnapshotFrameType, _ payload: [UInt8]) throws
    -> ContentEvent?
  {
    if type != .entries, pendingStart < pending.count {
      throw corrupt("the last entry of the tree is cut short")
    }
    do {
      switch type {
      case .begin: return try decodeBegin(payload)
      case .tree: return try decodeTree(payload)
      case .entries:
        guard !payload.isEmpty else { throw corrupt("an empty frame") }
        pending.removeFirst(pendingStart)
        pendingStart = 0
        pending += payload
        return nil
      case .totals: return try decodeTotals(payload)
      }
    } catch let error as CodingError {
      throw corrupt("payload, \(error)")
    }
  }

  private func decodeBegin(_ payload: [UInt8]) throws -> ContentEvent {
    var cbor = CBORReader(payload)
    guard try cbor.readArrayCount() == 3 else { throw corrupt("a beginning of another form") }
    let format = try cbor.readUnsigned()
    guard format <= recordFormatVersion else {
      throw SnapshotError.unsupportedVersion(
        place, found: format, supported: recordFormatVersion)
    }
    guard let storeID = StoreID(bytes: try cbor.readByteSlice()) else {
      throw corrupt("a store id of another length")
    }
    let applied = try cbor.readVersionVector()
    try cbor.finish()
    return .begin(storeID: storeID, applied: applied)
  }

  private mutating func decodeTree(_ payload: [UInt8]) throws -> ContentEvent {
    guard let name = String(validating: payload, as: UTF8.self) else {
      throw corrupt("the name of a tree is not UTF-8")
    }
    if let tree, !ByteOrder.precedes(tree, name) { throw corrupt("trees are not in order") }
    tree = name
    lastKey = []
    trees += 1
    return .tree(name)
  }

  private mutating func decodeTotals(_ payload: [UInt8]) throws -> ContentEvent {
    var cbor = CBORReader(payload)
    guard try cbor.readArrayCount() == 4, try cbor.readUnsigned() == frames,
      try cbor.readUnsigned() == trees, try cbor.readUnsigned() == entries,
      try cbor.readBytes() == hasher.finish().bytes
    else { throw corrupt("the totals differ from what was read") }
    try cbor.finish()
    let rest = isAtEnd ? [] : try read(1)
    guard start == input.count, rest.isEmpty else {
      throw corrupt("something follows the totals")
    }
    isComplete = true
    return .end
  }
}

// MARK: - Entries

extension SnapshotReader {
  /// Takes the next whole entry.
  private mutating func nextEntry() throws -> ContentEvent? {
    let headBytes = SnapshotLayout.entryHeadBytes
    guard pending.count - pendingStart >= headBytes else { return nil }
    let keyCount = Int(pending.littleEndian(at: pendingStart, bytes: 2))
    let valueCount = Int(pending.littleEndian(at: pendingStart + 2, bytes: 4))
    let limit =
      StoreTree.isMemory(tree ?? "")
      ? SnapshotLayout.memoryValueBytes : JournalLimits.transactionBytes
    guard (1...1024).contains(keyCount), valueCount <= limit else {
      throw corrupt("an entry of \(keyCount) and \(valueCount) bytes")
    }
    let body = pendingStart + headBytes
    guard pending.count - body >= keyCount + valueCount else { return nil }
    let key = Array(pending[body..<body + keyCount])
    guard lastKey.lexicographicallyPrecedes(key) else { throw corrupt("keys are not in order") }
    let value = Array(pending[body + keyCount..<body + keyCount + valueCount])
    pendingStart = body + keyCount + valueCount
    lastKey = key
    entries += 1
    return .entry(key: key, value: value)
  }
}
