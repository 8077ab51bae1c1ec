// SPDX-License-Identifier: Apache-2.0

import Foundation
import Peers
import Testing
import Workloads

/// A kind of engine, named in the output of the tests.
struct NamedKind: CustomTestStringConvertible, Sendable {
  let kind: any MeasuredEngineKind
  var testDescription: String { kind.name }

  static let all =
    ([StorageEngineKind()] + PeerKinds.named.map(\.kind)).map { NamedKind(kind: $0) }
}

/// What a reader saw that no transaction left; thrown, as threads cannot fail a test otherwise.
private struct TornState: Error {}

/// Every engine is asked for everything, and has to answer what the table says.
@Suite struct PeersTests {
  static let loaded: Int32 = 20_000
  static let table = RecordTable(0..<24_000)
  static let cacheBytes = 64 << 20

  @Test(arguments: NamedKind.all)
  func `an engine that was loaded in random order answers what the table says`(
    _ named: NamedKind
  ) throws {
    var numbers = SplitMix64(state: 1)
    let positions = (0..<Self.loaded).shuffled(using: &numbers)
    try check(named.kind, loading: positions, sorted: false)
  }

  @Test(arguments: NamedKind.all)
  func `an engine that was loaded in the order of keys answers what the table says`(
    _ named: NamedKind
  ) throws {
    let positions = Self.table.sortedPositions().filter { $0 < Self.loaded }
    try check(named.kind, loading: positions, sorted: true)
  }

  private func check(
    _ kind: any MeasuredEngineKind, loading positions: [Int32], sorted: Bool
  ) throws {
    try withTemporaryFolder { folder in
      let engine = try kind.open(in: folder, cacheBytes: Self.cacheBytes)
      try engine.load(Self.table, positions, sorted: sorted)
      var expected = Expectation(Self.table)
      for position in positions { expected.put(position) }
      try expected.check(engine)
      do {
        let before = (reader: try engine.makeReader(), expected: expected)
        try write(engine, &expected)
        try expected.check(engine)
        // What was committed since has not reached the earlier reader.
        try before.expected.check(before.reader)
        try engine.settle()
        try expected.check(engine)
        try before.expected.check(before.reader)
      }
      try engine.settle()
      try expected.check(engine)
      try engine.close()
    }
  }

  private func write(_ engine: any MeasuredEngine, _ expected: inout Expectation) throws {
    let table = Self.table
    // 8 threads at once, each in commits of one, and of several.
    try onThreads(8) { thread in
      let positions = (0..<400).map { Self.loaded + Int32(thread * 400 + $0) }
      for index in 0..<20 {
        try engine.put(table, positions[index...index], flushed: true)
      }
      try engine.put(table, positions[20..<200], flushed: true)
      try engine.put(table, positions[200..<400], flushed: false)
    }
    for position in Self.loaded..<Self.loaded + 3200 { expected.put(position) }
    // Of the last positions, the source lies at the beginning of the table.
    let updated = Array(Self.loaded - 5000..<Self.loaded) + [23_999]
    try engine.update(table, updated[...], shift: 17, flushed: true)
    for position in updated { expected.put(position, shift: 17) }
    let unflushed = Array(Self.loaded + 3200..<Self.loaded + 3600)
    try engine.put(table, unflushed[...], flushed: false)
    for position in unflushed { expected.put(position) }
    let deleted = (0..<24_000).filter { $0 % 2 == 1 }.map(Int32.init)
    try engine.delete(table, deleted)
    for position in deleted { expected.delete(position) }
  }

  @Test(arguments: NamedKind.all)
  func `a store that was closed has everything when it is opened again`(
    _ named: NamedKind
  ) throws {
    try withTemporaryFolder { folder in
      var expected = Expectation(Self.table)
      let positions = Self.table.sortedPositions().filter { $0 < Self.loaded }
      for round in 0..<3 {
        let engine = try named.kind.open(in: folder, cacheBytes: Self.cacheBytes)
        if round == 0 {
          try engine.load(Self.table, positions, sorted: true)
          for position in positions { expected.put(position) }
        } else {
          try expected.check(engine)
        }
        try write(engine, &expected)
        try expected.check(engine)
        // Once at rest, once straight after a commit without a flush.
        if round == 1 { try engine.settle() }
        let last = [Int32(round)]
        try engine.put(Self.table, last[...], flushed: false)
        expected.put(last[0])
        try engine.close()
      }
      let engine = try named.kind.open(in: folder, cacheBytes: Self.cacheBytes)
      try expected.check(engine)
      try engine.close()
    }
  }

  @Test(arguments: PeerKinds.named.map { NamedKind(kind: $0.kind) })
  func `a peer is not closed while a reader is left`(_ named: NamedKind) throws {
    try withTemporaryFolder { folder in
      let engine = try named.kind.open(in: folder, cacheBytes: Self.cacheBytes)
      try engine.load(Self.table, [0, 1, 2], sorted: false)
      do {
        let reader = try engine.makeReader()
        #expect(throws: PeerError.self) { try engine.close() }
        #expect(try reader.scan().count == 3)
      }
      try engine.close()
    }
  }

  @Test(arguments: NamedKind.all)
  func `writers that change the same records all succeed, and readers see whole transactions`(
    _ named: NamedKind
  ) throws {
    try withTemporaryFolder { folder in
      let table = Self.table
      let engine = try named.kind.open(in: folder, cacheBytes: Self.cacheBytes)
      let positions = Array(0..<Int32(50))
      try engine.load(table, positions, sorted: false)
      // Transactions are whole: all records were left by the same one.
      let possible = (0..<160).map { shift in
        positions.reduce(into: Checksum()) { $0.add(table.mark(Int($1) + shift)) }
      }
      try onThreads(12) { thread in
        for round in 0..<20 {
          if thread < 8 {
            try engine.update(
              table, positions[...], shift: thread * 20 + round, flushed: round % 4 == 0)
          } else {
            let reader = try engine.makeReader()
            let found = try reader.scan()
            guard possible.contains(found), try reader.get(table, positions[...]) == found else {
              throw TornState()
            }
          }
        }
      }
      #expect(possible.contains(try engine.makeReader().scan()))
      try engine.close()
    }
  }
}
