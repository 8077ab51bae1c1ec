// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import FuzzSupport

/// Decodes arbitrary bytes as a transaction, or as the only part of one whose header is right.
///
/// What is accepted must have exactly the bytes it was decoded from.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTransaction(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let input = unsafe FuzzInput(start, count) else { return 0 }
  let bytes =
    input.choice == 0
    ? input.bytes : transaction(part: input.bytes, operationCount: UInt64(input.choice))
  guard let encoded = try? EncodedTransaction(decoding: bytes) else { return 0 }
  require(encoded.bytes == bytes, "a transaction has other bytes than were decoded")
  guard let decoded = try? encoded.transaction() else { return 0 }
  let again = try? EncodedTransaction(decoded)
  require(again == encoded, "a transaction has two encodings")
  require((try? TransactionJSON.line(encoded)) != nil, "a transaction cannot be shown")
  return 0
}

/// Whole transactions, and their parts alone.
@_cdecl("LLVMFuzzerInitialize")
public func plantSeeds(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) -> CInt {
  var seeds: [[UInt8]] = []
  for sample in SampleTransactions.chain() {
    seeds.append([0] + sample.bytes)
    let part = Array(sample.bytes.suffix(sample.header.parts[0].byteCount))
    seeds.append([UInt8(sample.header.parts[0].operationCount)] + part)
  }
  SeedCorpus.plant(seeds)
  return 0
}

private func transaction(part: [UInt8], operationCount: UInt64) -> [UInt8] {
  var writer = CBORWriter()
  writer.write(arrayCount: 8)
  writer.write(unsigned: 1)
  writer.write(bytes: Array(repeating: 1, count: 24))
  writer.write(unsigned: 1)
  writer.write(unsigned: 1)
  writer.write(mapCount: 0)
  writer.write(unsigned: 0)
  writer.write(bytes: Hash256.zero.bytes)
  writer.write(arrayCount: 1)
  writer.write(arrayCount: 4)
  writer.write(text: "c")
  writer.write(unsigned: operationCount)
  writer.write(unsigned: UInt64(part.count))
  writer.write(bytes: Hash256.of(part).bytes)
  return writer.bytes + part
}
