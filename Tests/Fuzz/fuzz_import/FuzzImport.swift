// SPDX-License-Identifier: Apache-2.0

import FuzzSupport
import Records

/// Reads arbitrary bytes as a file to import: CSV, JSON lines, or an array in a JSON document.
///
/// The first byte chooses the format and in pieces of which length the rest is read: neither the
/// records found nor what is refused, and why, may depend on that.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzImport(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let input = unsafe FuzzInput(start, count) else { return 0 }
  let step = [1, 2, 3, 7, 61, 4096, 65_536, 1 << 20][Int(input.choice >> 4 & 7)]
  let inPieces = outcome(of: input, step: step)
  let whole = outcome(of: input, step: .max)
  require(inPieces == whole, "in pieces of \(step) bytes: \(inPieces), whole: \(whole)")
  return 0
}

/// Text of every format, with what is special in it.
@_cdecl("LLVMFuzzerInitialize")
public func plantSeeds(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) -> CInt {
  let lines = "\u{FEFF}{\"_key\":1,\"a\":\"\\ud83d\\ude00\"}\n\r\n{\"_key\":{\"$uuid\":\"x\"}}\n"
  let list = #"[{"_key":"a","b":[1,null]} , {"_key":{"$bytes":"AA=="},"_collection":"c"}]"#
  let table = "_key;a\r\n1;\"two \"\"quoted\"\"\r\nlines\"\n\n3;\r\n"
  let texts: [(choice: UInt8, text: String)] = [
    (0, lines), (1, list), (2, #"{"x":12,"a":"# + list + #","y":{}} "#),
    (3, #"{"x":-1.5e3,"a":{"n":null,"b":"# + list + "}}"), (4, table), (5, "k;v\nk;\"w\""),
    (6, table.replacing(";", with: ",")), (8, lines), (9, list),
  ]
  SeedCorpus.plant(texts.map { [$0.choice] + Array($0.text.utf8) })
  return 0
}

private func options(_ choice: UInt8) -> ImportOptions {
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
  return options
}

/// What is found in the text, or why it is refused.
///
/// Of two faults in one element of a document the second may be named when it arrives first.
private func outcome(of input: FuzzInput, step: Int) -> String {
  var rest = input.bytes[...]
  let text = ImportInput(name: "fuzz") { count in
    let taken = rest.prefix(min(count, step))
    rest = rest.dropFirst(taken.count)
    return Array(taken)
  }
  do {
    return "\(try options(input.choice).check(text))"
  } catch {
    if case .json = options(input.choice).format { return "refused" }
    return "\(error)"
  }
}
