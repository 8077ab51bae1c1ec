// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Records

/// Reads arbitrary bytes as JSON.
///
/// What is accepted must be written so that it is read back as the same value.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  if let value = try? Value(fromJSON: input) {
    guard (try? Value(fromJSON: value.json)) == value else {
      fatalError("a value is not read back")
    }
  }
  _ = try? StoredRecord.fields(fromJSON: input)
  return 0
}
