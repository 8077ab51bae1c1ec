// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// Feeds arbitrary bytes to the reader of journal streams.
///
/// The first byte chooses how the rest is cut into pieces, and whether frame numbers and checksums
/// are made right first, so that what lies behind them is reached. Whatever a reader returns must
/// be canonical, and an error must be final.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJournalStream(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  guard let choice = input.first else { return 0 }
  var stream = Array(input.dropFirst())
  if choice & 1 == 0 { repair(&stream) }
  let pieces = [1, 13, 64, 1000, 4096, 65_536, .max, .max][Int(choice >> 1 & 7)]
  read(stream, inPiecesOf: pieces)
  return 0
}

private func read(_ stream: [UInt8], inPiecesOf count: Int) {
  var reader = JournalReader(name: "fuzz", staging: MemoryStaging(byteLimit: 16 << 20))
  do throws(JournalError) {
    var rest = stream[...]
    while !rest.isEmpty {
      reader.feed(rest.prefix(count))
      rest = rest.dropFirst(count)
      while let event = try reader.next() {
        if case .transactions(let transactions, _) = event { transactions.forEach(verify) }
      }
    }
    try reader.finish()
  } catch {
    do throws(JournalError) {
      _ = try reader.next()
      fatalError("an error was not final")
    } catch let again {
      guard again == error else { fatalError("another error") }
    }
  }
}

/// Checks that a transaction that can be decoded is canonical.
private func verify(_ transaction: EncodedTransaction) {
  guard let decoded = try? transaction.transaction() else { return }
  guard let again = try? EncodedTransaction(decoded), again == transaction else {
    fatalError("a transaction has two encodings")
  }
}

/// Numbers the frames, and gives them right checksums.
private func repair(_ stream: inout [UInt8]) {
  var start = 0
  var number: UInt8 = 0
  while stream.count - start >= 64 {
    stream[start + 16] = number
    for index in 17..<24 { stream[start + index] = 0 }
    let stored = (0..<4).reversed().reduce(0) { $0 << 8 | Int(stream[start + 28 + $1]) }
    let end = min(start + 64 + stored, stream.count)
    set(Checksum.crc32c(of: stream[start + 64..<end]), at: start + 56, in: &stream)
    set(Checksum.crc32c(of: stream[start..<start + 60]), at: start + 60, in: &stream)
    start = end
    number &+= 1
  }
}

private func set(_ checksum: UInt32, at offset: Int, in stream: inout [UInt8]) {
  for index in 0..<4 {
    stream[offset + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * index))
  }
}
