// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import FuzzSupport

/// Feeds arbitrary bytes to the reader of journal streams.
///
/// The first byte chooses how the rest is cut into pieces, and whether frame numbers,
/// checksums and lengths are made right first, so that what lies behind them is reached. Whatever a
/// reader returns must be canonical and not depend on the pieces, and an error must be final.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJournalStream(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let input = unsafe FuzzInput(start, count) else { return 0 }
  var stream = input.bytes
  if input.choice & 1 == 0 {
    FrameFormat.journal.repair(&stream, realigning: input.choice & 16 != 0)
  }
  let whole = read(stream, inPiecesOf: .max)
  for transaction in whole.transactions { verify(transaction) }
  let pieces = [1, 2, 13, 63, 64, 65, 1000, 4096][Int(input.choice >> 1 & 7)]
  let again = read(stream, inPiecesOf: pieces)
  require(again.error == whole.error, "\(pieces): \(again.error as Any), \(whole.error as Any)")
  require(again.transactions == whole.transactions, "other transactions in pieces of \(pieces)")
  return 0
}

/// Complete streams with small and large transactions, as they are and compressed, and a bomb.
@_cdecl("LLVMFuzzerInitialize")
public func plantSeeds(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) -> CInt {
  let sample = SampleTransactions.chain()
  var seeds = [stream([], level: 0), stream(sample, level: 0), stream(sample, level: 9)]
  seeds.append(SampleStream.inFragments(sample[0]))
  seeds.append(SampleStream.withBomb)
  SeedCorpus.plant([0, 1, 16].flatMap { choice in seeds.map { [choice] + $0 } })
  return 0
}

private struct Reading {
  var transactions: [EncodedTransaction] = []
  var error: JournalError?
}

private func read(_ stream: [UInt8], inPiecesOf count: Int) -> Reading {
  var reading = Reading()
  var reader = JournalReader(name: "fuzz", staging: MemoryStaging(byteLimit: 16 << 20))
  do throws(JournalError) {
    var rest = stream[...]
    while !rest.isEmpty {
      reader.feed(rest.prefix(count))
      rest = rest.dropFirst(count)
      while let event = try reader.next() {
        if case .transactions(let found, _) = event { reading.transactions += found }
      }
    }
    try reader.finish()
  } catch {
    reading.error = error
    do throws(JournalError) {
      _ = try reader.next()
      require(false, "an error was not final")
    } catch let again {
      require(again == error, "an error became another")
    }
  }
  return reading
}

/// Checks that a transaction that can be decoded is canonical.
private func verify(_ transaction: EncodedTransaction) {
  guard let decoded = try? transaction.transaction() else { return }
  require((try? EncodedTransaction(decoded)) == transaction, "a transaction has two encodings")
}

private func stream(_ transactions: [EncodedTransaction], level: Int) -> [UInt8] {
  var options = JournalWriter.Options()
  options.compressionLevel = level
  let header = JournalStreamHeader(storeID: SampleTransactions.storeID)
  do throws(JournalError) {
    var bytes: [UInt8] = []
    var writer = try JournalWriter(header, options: options)
    for transaction in transactions { try writer.append(transaction) }
    try writer.finish()
    while let frame = try writer.nextFrame() { bytes += frame }
    return bytes
  } catch {
    fatalError("a sample cannot be written: \(error)")
  }
}
