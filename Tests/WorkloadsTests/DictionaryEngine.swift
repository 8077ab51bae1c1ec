// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Workloads

/// An engine of a dictionary, which can be told to do something wrong.
struct DictionaryEngineKind: MeasuredEngineKind {
  /// What is wrong with it.
  enum Fault: CaseIterable {
    case losesOneRecord
    case keepsOldValues
    case deletesNothing
    case forgetsAtReopening
  }

  let name = "a dictionary"
  var fault: Fault?
  private let contents = Contents()

  init(fault: Fault? = nil) {
    self.fault = fault
  }

  final class Contents: Sendable {
    let stores = Mutex<[String: [[UInt8]: [UInt8]]]>([:])
  }

  func open(in folder: String, cacheBytes: Int) throws -> any MeasuredEngine {
    if fault == .forgetsAtReopening { contents.stores.withLock { $0[folder] = [:] } }
    return DictionaryEngine(folder, contents, fault)
  }
}

private final class DictionaryEngine: MeasuredEngine {
  let folder: String
  let contents: DictionaryEngineKind.Contents
  let fault: DictionaryEngineKind.Fault?
  let logBytes: UInt64 = 0

  init(
    _ folder: String, _ contents: DictionaryEngineKind.Contents,
    _ fault: DictionaryEngineKind.Fault?
  ) {
    self.folder = folder
    self.contents = contents
    self.fault = fault
  }

  private func change(_ body: (inout [[UInt8]: [UInt8]]) -> Void) {
    contents.stores.withLock { body(&$0[folder, default: [:]]) }
  }

  func load(_ table: RecordTable, _ positions: [Int32], sorted: Bool) throws {
    try put(table, positions[...], flushed: true)
    if fault == .losesOneRecord { delete(table, [positions[positions.count / 2]]) }
  }

  func update(_ table: RecordTable, _ positions: ArraySlice<Int32>, shift: Int, flushed: Bool) {
    change { entries in
      for position in positions {
        let source = (Int(position) + shift) % table.count
        let isFaulty = fault == .keepsOldValues && position % 100 == 99
        entries[table.key(Int(position))] = table.value(isFaulty ? 0 : source)
      }
    }
  }

  func delete(_ table: RecordTable, _ positions: [Int32]) {
    if fault == .deletesNothing { return }
    change { entries in
      for position in positions { entries[table.key(Int(position))] = nil }
    }
  }

  func operate(_ table: RecordTable, _ operations: Operations, flushed: Bool) throws {
    try put(table, [operations.put.0, operations.put.1], flushed: flushed)
    delete(table, [operations.delete])
  }

  func makeReader() -> any MeasuredReader { DictionaryReader(folder, contents) }

  func settle() {}

  func close() {}
}

private final class DictionaryReader: MeasuredReader {
  let folder: String
  let contents: DictionaryEngineKind.Contents
  var entries: [[UInt8]: [UInt8]] = [:]

  init(_ folder: String, _ contents: DictionaryEngineKind.Contents) {
    self.folder = folder
    self.contents = contents
    renew()
  }

  func renew() {
    entries = contents.stores.withLock { $0[folder] ?? [:] }
  }

  func get(_ table: RecordTable, _ positions: ArraySlice<Int32>) -> Checksum {
    sum(positions.compactMap { entries[table.key(Int($0))] })
  }

  func getTogether(_ table: RecordTable, _ positions: ArraySlice<Int32>) -> Checksum {
    get(table, positions)
  }

  func seek(_ table: RecordTable, _ positions: ArraySlice<Int32>, steps: Int) -> Checksum {
    let keys = entries.keys.sorted { $0.lexicographicallyPrecedes($1) }
    return positions.reduce(Checksum()) { sum, position in
      let key = table.key(Int(position))
      let found = keys.drop { $0.lexicographicallyPrecedes(key) }.prefix(steps)
      return sum + self.sum(found.compactMap { entries[$0] })
    }
  }

  func scan() -> Checksum { sum(Array(entries.values)) }

  private func sum(_ values: [[UInt8]]) -> Checksum {
    values.reduce(into: Checksum()) { sum, value in sum.add(value: value.span) }
  }
}
