// SPDX-License-Identifier: Apache-2.0

import Records
import StorageEngine

/// Verifies arbitrary bytes as a snapshot.
///
/// The first byte chooses in pieces of which length the rest is read, and whether frame numbers
/// and checksums are made right first, so that what lies behind them is reached.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSnapshot(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  guard let choice = input.first else { return 0 }
  var file = Array(input.dropFirst())
  if choice & 1 == 0 { repair(&file) }
  let step = [1, 13, 48, 1000][Int(choice >> 1 & 3)]
  var rest = file[...]
  _ = try? RecordStore.verifySnapshot(named: "fuzz") { count in
    let taken = rest.prefix(min(count, step))
    rest = rest.dropFirst(taken.count)
    return Array(taken)
  }
  return 0
}

/// Numbers the frames, and gives them right checksums.
private func repair(_ file: inout [UInt8]) {
  var start = 0
  var number: UInt8 = 0
  while file.count - start >= 48 {
    file[start + 16] = number
    for index in 17..<24 { file[start + index] = 0 }
    let stored = (0..<4).reversed().reduce(0) { $0 << 8 | Int(file[start + 28 + $1]) }
    let end = min(start + 48 + stored, file.count)
    set(Checksum.crc32c(of: file[start + 48..<end]), at: start + 40, in: &file)
    set(Checksum.crc32c(of: file[start..<start + 44]), at: start + 44, in: &file)
    start = end
    number &+= 1
  }
}

private func set(_ checksum: UInt32, at offset: Int, in file: inout [UInt8]) {
  for index in 0..<4 {
    file[offset + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * index))
  }
}
