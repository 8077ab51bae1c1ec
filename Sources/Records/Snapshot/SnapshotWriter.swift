// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// Writes the frames of a snapshot.
struct SnapshotWriter {
  private let write: ([UInt8]) throws -> Void
  private var hasher = Hasher256()
  private var frames: UInt64 = 0
  private var trees: UInt64 = 0
  private var entries: UInt64 = 0
  /// Entries that do not fill a frame yet.
  private var pending: [UInt8] = []
  /// Bytes written.
  private(set) var byteCount: UInt64 = 0

  private static let compressionLevel = 3

  init(_ write: @escaping ([UInt8]) throws -> Void) {
    self.write = write
  }

  /// Writes the next part of the content; the last frame with its end.
  mutating func append(_ event: ContentEvent) throws {
    switch event {
    case .begin(let storeID, let applied): try begin(storeID: storeID, applied: applied)
    case .tree(let name): try beginTree(name)
    case .entry(let key, let value): try append(key: key, value: value)
    case .end: try finish()
    }
  }

  private mutating func begin(storeID: StoreID, applied: VersionVector) throws {
    var cbor = CBORWriter()
    cbor.write(arrayCount: 3)
    cbor.write(unsigned: recordFormatVersion)
    cbor.write(bytes: storeID.bytes)
    try cbor.write(applied)
    try writeFrame(.begin, cbor.take())
  }

  private mutating func beginTree(_ name: String) throws {
    try flushEntries()
    trees += 1
    try writeFrame(.tree, Array(name.utf8))
  }

  private mutating func append(key: [UInt8], value: [UInt8]) throws {
    entries += 1
    pending.appendLittleEndian(UInt64(key.count), bytes: 2)
    pending.appendLittleEndian(UInt64(value.count), bytes: 4)
    pending += key
    pending += value
    guard pending.count >= SnapshotLayout.payloadBytes else { return }
    var start = 0
    while pending.count - start >= SnapshotLayout.payloadBytes {
      let end = start + SnapshotLayout.payloadBytes
      try writeFrame(.entries, Array(pending[start..<end]))
      start = end
    }
    pending.removeFirst(start)
  }

  private mutating func finish() throws {
    try flushEntries()
    var cbor = CBORWriter()
    cbor.write(arrayCount: 4)
    cbor.write(unsigned: frames)
    cbor.write(unsigned: trees)
    cbor.write(unsigned: entries)
    cbor.write(bytes: hasher.finish().bytes)
    try writeFrame(.totals, cbor.take())
  }

  private mutating func flushEntries() throws {
    guard !pending.isEmpty else { return }
    try writeFrame(.entries, pending)
    pending.removeAll(keepingCapacity: true)
  }

  private mutating func writeFrame(_ type: SnapshotFrameType, _ payload: [UInt8]) throws {
    let compressed =
      type == .entries ? ZlibCodec.compress(payload, level: Self.compressionLevel) : nil
    let stored = compressed ?? payload
    let frame = SnapshotFrame(
      type: type, number: frames, plainLength: UInt32(payload.count),
      storedLength: UInt32(stored.count), payloadChecksum: Checksum.crc32c(of: stored[...]))
    let bytes = frame.bytes + stored
    hasher.update(bytes)
    frames += 1
    byteCount += UInt64(bytes.count)
    try write(bytes)
  }
}
