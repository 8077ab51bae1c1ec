// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// The log's part of docs/FORMAT.md must agree with the code.
struct LogFormatDocumentTests {
  private let document: FormatDocument

  init() throws {
    document = try FormatDocument()
  }

  @Test
  func `a chunk is written as in its table`() throws {
    let buffer = try AlignedBuffer(count: 4096)
    let header = LogChunkHeader(
      group: 60, flushedGroup: 61, payloadBytes: 10, chunk: 62, chunkCount: 63,
      previousChecksum: 64, nextExtent: 65, salt: 67, store: 66)
    _ = header.encode(into: buffer.page(at: 0))
    let fields = try document.fields("Log")
    FormatDocument.compare(
      fields, with: buffer.bytes(0, LogChunkHeader.bytes).array,
      [
        ("checksum of the header behind it and the payload", .any),
        ("magic: `LOG1`", .bytes(Array("LOG1".utf8))), ("group", .number(60)),
        ("last group known to be flushed", .number(61)), ("bytes of payload", .number(10)),
        ("place of the chunk", .number(62)), ("chunks of the group", .number(63)),
        ("checksum of the chunk before", .number(64)), ("extent in which the log", .number(65)),
        ("salt", .number(67)), ("the first eight bytes of the store's identity", .number(66)),
        ("zero", .number(0)),
      ])
    #expect(fields.last.map { $0.offset + $0.bytes } == LogChunkHeader.bytes)
    let words = try document.words(of: "Log")
    #expect(words.contains("begins at a multiple of \(LogChunkHeader.blockBytes) and is padded"))
    #expect(LogChunkHeader.paddedBytes(payload: 4033) == 8192)
  }

  @Test
  func `a chunk's mark is the start of the identity as a big-endian number`() {
    let superblock = Superblock(
      identity: (1...16).map { UInt8($0) }, sequence: 1, pageBytes: 4096, lsn: 0, nextTree: 1,
      catalog: PageReference(number: 0, checksum: 0), map: PageReference(number: 1, checksum: 0),
      extentCount: 3,
      log: LogPosition(extent: 1, offset: 0, nextExtent: 2, nextGroup: 1, previousChecksum: 0),
      flushedGroup: 0)
    #expect(superblock.logMark == 0x0102_0304_0506_0708)
  }

  @Test
  func `a transaction is written as in its table`() throws {
    let buffer = LogBuffer()
    let none: [KeyChange] = []
    buffer.append(lsn: 70, trees: [.drop(id: 7)], changes: none)
    let fields = try document.fields("Transactions in the log")
    FormatDocument.compare(
      fields, with: buffer.bytes.array,
      [
        ("bytes of the transaction, this header included", .number(UInt64(buffer.count))),
        ("kind: \(LogRecord.kindCommit) commit", .number(1)), ("zero", .number(0)),
        ("LSN", .number(70)), ("tree operations", .number(1)),
      ])
    #expect(fields.last.map { $0.offset + $0.bytes } == LogRecord.headerBytes)
    #expect(buffer.bytes.array[LogRecord.headerBytes...] == [2, 0, 0, 0, 7, 0, 0, 0])
  }

  @Test
  func `operations are written as described`() throws {
    let words = try document.words(of: "Transactions in the log")
    #expect(words.contains("u8 operation (1 create, 2 drop), zero byte, u16 length of the name"))
    #expect(LogRecord.TreeOperation.create.rawValue == 1)
    #expect(LogRecord.TreeOperation.drop.rawValue == 2)
    #expect(words.contains("(1 put, 2 put a value that was written to runs, 3 delete), zero byte"))
    let operations = [LogRecord.KeyOperation.put, .putDirect, .delete]
    #expect(operations.map(\.rawValue) == [1, 2, 3])
    let buffer = LogBuffer()
    [UInt8(0x6B)].withBytes { key in
      [UInt8](repeating: 5, count: 2).withBytes { value in
        buffer.append(
          lsn: 1, trees: [.create(id: 7, name: "ab")],
          changes: [KeyChange(operation: .put, tree: 7, key: key, value: value)])
      }
    }
    let create: [UInt8] = [1, 0, 2, 0, 7, 0, 0, 0, 0x61, 0x62]
    let put: [UInt8] = [1, 0, 1, 0, 7, 0, 0, 0, 2, 0, 0, 0, 0x6B, 5, 5]
    #expect(Array(buffer.bytes.array[LogRecord.headerBytes...]) == create + put)
  }
}
