// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import FuzzSupport
import Records
import StorageEngine

/// Verifies arbitrary bytes as a snapshot.
///
/// The first byte chooses in pieces of which length the rest is read, and whether frame numbers,
/// checksums and lengths are made right first, so that what lies behind them is reached. The
/// verdict may not depend on the pieces.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSnapshot(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let input = unsafe FuzzInput(start, count) else { return 0 }
  var file = input.bytes
  if input.choice & 1 == 0 {
    FrameFormat.snapshot.repair(&file, realigning: input.choice & 16 != 0)
  }
  let step = [1, 13, 47, 48, 49, 100, 1000, 4096][Int(input.choice >> 1 & 7)]
  let inPieces = verdict(on: file, step: step)
  let whole = verdict(on: file, step: .max)
  require(inPieces == whole, "in pieces of \(step) bytes: \(inPieces), whole: \(whole)")
  return 0
}

/// Snapshots of a store without and with records.
@_cdecl("LLVMFuzzerInitialize")
public func plantSeeds(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) -> CInt {
  do {
    let database = try Database.create(on: MemoryStorage(), configuration: Configuration())
    let store = try RecordStore.create(in: database)
    let empty = try snapshot(of: store)
    try store.write { transaction in
      let fields = SampleTransactions.values.enumerated().map { number, value in
        StoredRecord.Field("f\(number)", value)
      }
      try transaction.put("people", .text("ada"), fields)
      try transaction.put("people", .integer(-1), [])
      try transaction.put("people", .uuid(UUIDBytes(high: 1, low: 2)), [])
    }
    let one = try snapshot(of: store)
    try store.write { try $0.delete("people", .integer(-1)) }
    let last = try snapshot(of: store)
    let seeds = [empty, one, last] + [one, last].map { FrameFormat.snapshot.expanded($0) }
    let isGood = seeds.allSatisfy { verdict(on: $0, step: .max).hasPrefix("SnapshotSummary") }
    require(isGood, "a seed is refused")
    SeedCorpus.plant([0, 1, 16].flatMap { choice in seeds.map { [choice] + $0 } })
    try store.close()
  } catch {
    fatalError("a sample cannot be made: \(error)")
  }
  return 0
}

private func snapshot(of store: RecordStore) throws -> [UInt8] {
  var bytes: [UInt8] = []
  _ = try store.writeSnapshot(to: { bytes += $0 })
  return bytes
}

private func verdict(on file: [UInt8], step: Int) -> String {
  var rest = file[...]
  do {
    let summary = try RecordStore.verifySnapshot(named: "fuzz") { count in
      let taken = rest.prefix(min(count, step))
      rest = rest.dropFirst(taken.count)
      return Array(taken)
    }
    return "\(summary)"
  } catch {
    return "\(error)"
  }
}
