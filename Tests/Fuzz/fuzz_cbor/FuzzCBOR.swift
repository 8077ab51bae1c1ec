// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import FuzzSupport

/// Decodes arbitrary bytes as each of the small things that have an encoding.
///
/// What is accepted must have exactly the bytes it was decoded from.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCBOR(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let input = unsafe FuzzInput(start, count) else { return 0 }
  let bytes = input.bytes
  switch input.choice & 7 {
  case 0:
    if let vector = try? VersionVector(decoding: bytes) {
      expectEqual(try? vector.encoded(), bytes)
    }
  case 1:
    if let key = try? RecordKey(orderedBytes: bytes) { expectEqual(key.orderedBytes, bytes) }
  case 2:
    var reader = CBORReader(bytes)
    if let key = try? reader.readKey() {
      var writer = CBORWriter()
      try? writer.write(key)
      expectEqual(writer.bytes, Array(bytes[..<reader.position]))
    }
  default:
    if let value = try? Value(decoding: bytes) {
      expectEqual(try? value.encoded(), bytes)
      var text = JSONText()
      text.append(value)
    }
  }
  return 0
}

/// One seed for each kind of value, and for each other thing.
@_cdecl("LLVMFuzzerInitialize")
public func plantSeeds(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) -> CInt {
  let origin = SampleTransactions.origin
  var vector = VersionVector()
  vector[origin(1)] = 24
  vector[origin(2)] = 1 << 40
  let key = RecordKey.uuid(UUIDBytes(high: 1, low: 2))
  var writer = CBORWriter()
  try? writer.write(key)
  var seeds = [[0] + ((try? vector.encoded()) ?? []), [1] + key.orderedBytes, [2] + writer.bytes]
  for value in SampleTransactions.values + [.array(SampleTransactions.values)] {
    seeds.append([3] + ((try? value.encoded()) ?? []))
  }
  SeedCorpus.plant(seeds)
  return 0
}

private func expectEqual(_ left: [UInt8]?, _ right: [UInt8]) {
  require(left == right, "something has two encodings")
}
