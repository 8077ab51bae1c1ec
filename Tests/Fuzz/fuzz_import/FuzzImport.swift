// SPDX-License-Identifier: Apache-2.0

import Records

/// Reads arbitrary bytes as a file to import: CSV, JSON lines, or an array in a JSON document.
///
/// The first byte chooses the format and in pieces of which length the rest is read: the records
/// found must not depend on that.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzImport(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  guard let choice = input.first else { return 0 }
  let bytes = Array(input.dropFirst())
  let semicolon = UInt8(ascii: ";")
  let format: ImportOptions.Format =
    switch choice & 7 {
    case 0: .jsonLines
    case 1: .json(path: [])
    case 2: .json(path: ["a"])
    case 3: .json(path: ["a", "b"])
    case 4: .csv(delimiter: semicolon, columns: nil)
    case 5: .csv(delimiter: semicolon, columns: ["_key", "a"])
    default: .csv(delimiter: UInt8(ascii: ","), columns: nil)
    }
  var options = ImportOptions(format, collection: choice & 8 == 0 ? "c" : nil)
  options.lineByteLimit = 1 << 20
  let step = [1, 2, 3, 7, 61, 4096, 65_536, 1 << 20][Int(choice >> 4 & 7)]
  guard outcome(bytes, options, step: step) == outcome(bytes, options, step: .max) else {
    fatalError("another number of records in pieces of \(step) bytes")
  }
  return 0
}

/// How many records there are, or `nil` when the text is refused.
private func outcome(_ bytes: [UInt8], _ options: ImportOptions, step: Int) -> UInt64? {
  var rest = bytes[...]
  let input = ImportInput(name: "fuzz") { count in
    let taken = rest.prefix(min(count, step))
    rest = rest.dropFirst(taken.count)
    return Array(taken)
  }
  return try? options.check(input).records
}
