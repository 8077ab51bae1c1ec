// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import FuzzSupport
import Records

/// Reads arbitrary bytes as JSON.
///
/// What is accepted must be written so that it is read back as the same value, and written the
/// same again; a record must be read by import as it was printed.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let text = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  if let value = try? Value(fromJSON: text) {
    let again = try? Value(fromJSON: value.json)
    require(again == value, "a value is not read back")
    require(again?.json == value.json, "a value is written in two ways")
  }
  if let object = try? RecordObject(json: text) {
    let record = StoredRecord(key: .integer(1), fields: object.fields)
    let again = try? RecordObject(json: record.json)
    require(again?.fields == object.fields, "a record is not read back")
    require(again?.key == .integer(1) && again?.collection == nil, "a key is not read back")
    let options = ImportOptions(.jsonLines, collection: "c")
    let progress = try? options.check(ImportInput(name: "fuzz", bytes: record.json))
    require(progress?.records == 1, "a printed record cannot be imported")
  }
  return 0
}

/// JSON of every kind.
@_cdecl("LLVMFuzzerInitialize")
public func plantSeeds(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) -> CInt {
  let texts = [
    #"{"a":1,"b":[true,false,null],"c":{"d":"\ud83d\ude00\n\\"}}"#,
    #"{"_key":"k","_collection":"c","n":-0.5e-7,"z":18446744073709551615}"#,
    #"{"$bytes":"AAECAw=="}"#, #"{"$map":{"$bytes":1}}"#, #"{"$uuid":"x"}"#,
    #" [ -9223372036854775808 , 1.7976931348623157e308, 5e-324, -0.0, 0.1 ] "#,
    String(repeating: "[", count: 128) + String(repeating: "]", count: 128),
  ]
  SeedCorpus.plant(texts.map { Array($0.utf8) } + SampleTransactions.values.map(\.json))
  return 0
}
