// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// Decodes arbitrary bytes as each of the small things that have an encoding.
///
/// What is accepted must have exactly the bytes it was decoded from.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCBOR(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  guard let choice = input.first else { return 0 }
  let bytes = Array(input.dropFirst())
  switch choice & 7 {
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
  case 3:
    let text = String(decoding: bytes, as: UTF8.self)
    if let vector = VersionVector(text) { expectEqual(Array(vector.description.utf8), bytes) }
    if let origin = Origin(text) { expectEqual(Array(origin.description.utf8), bytes) }
    if let hash = Hash256(text) { expectEqual(Array(hash.description.utf8), bytes) }
    _ = UUIDBytes(text)
  default:
    if let value = try? Value(decoding: bytes) {
      expectEqual(try? value.encoded(), bytes)
      var text = JSONText()
      text.append(value)
    }
  }
  return 0
}

private func expectEqual(_ left: [UInt8]?, _ right: [UInt8]) {
  guard left == right else { fatalError("something has two encodings") }
}
