// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Decodes arbitrary bytes as a transaction, or as the only part of one whose header is right.
///
/// What is accepted must have exactly the bytes it was decoded from.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTransaction(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  guard let choice = input.first else { return 0 }
  let rest = Array(input.dropFirst())
  let bytes = choice == 0 ? rest : transaction(part: rest, operationCount: UInt64(choice))
  guard let encoded = try? EncodedTransaction(decoding: bytes),
    let decoded = try? encoded.transaction()
  else { return 0 }
  guard let again = try? EncodedTransaction(decoded), again == encoded else {
    fatalError("a transaction has two encodings")
  }
  guard (try? TransactionJSON.line(encoded)) != nil else {
    fatalError("a transaction cannot be shown")
  }
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
