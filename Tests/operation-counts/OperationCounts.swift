// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import Workloads

/// Does one kind of operation so many times, for `count.sh` to count what the processor, the allocator
/// and the disk are asked for.
///
/// usage: operation-counts OPERATION COUNT [FOLDER]
///
/// On a store in a folder; where none is given, on one in memory that counts how often it is flushed
/// and how many bytes are written to it meanwhile, which is printed.
@main
enum OperationCounts {
  private static let loaded = 20_000
  /// As many records are made, however many operations are done, so that only these differ.
  private static let most = 4000

  static func main() throws {
    let arguments = CommandLine.arguments
    guard (3...4).contains(arguments.count), let count = Int(arguments[2]),
      (1...most).contains(count)
    else { endWithUsage() }
    let folder = arguments.count > 3 ? arguments[3] : nil
    if let operation = MapOperation(rawValue: arguments[1]) {
      return try run(in: folder) { try operation.run($0, count, counting: $1) }
    }
    if let operation = SystemOperation(rawValue: arguments[1]) {
      return try run(in: folder) { try operation.run($0, count, counting: $1) }
    }
    guard let operation = Operation(rawValue: arguments[1]) else { endWithUsage() }
    let storage = CountingStorage()
    let database = try makeStore(on: storage, in: folder)
    let engine = try StorageEngineKind.adapter(of: database)
    let table = RecordTable(0..<UInt64(loaded + most))
    try engine.load(table, (0..<Int32(loaded)).map { $0 }, sorted: false)
    // Not compacted: then the first commits would have to make room for their log again.
    try database.checkpoint()
    let positions = SplitMix64.positions(count, below: loaded)
    let before = storage.counts
    let read = try operation.run(
      engine, table, positions, first: table.sortedPositions().first { $0 < loaded } ?? 0,
      new: Int32(loaded)..<Int32(loaded + count))
    let after = storage.counts
    // What does not do its work costs little.
    let entries = try database.read { try $0.tree(named: "records").map($0.count(of:)) } ?? 0
    guard operation.isDone(count, on: positions, loaded: loaded, read: read, left: Int(entries))
    else {
      throw WorkloadError("\(operation) read \(read) and left \(entries) records")
    }
    print(after.flushes - before.flushes, after.bytes - before.bytes)
    try engine.close()
  }

  private static func endWithUsage() -> Never {
    let names =
      Operation.allCases.map(\.rawValue) + MapOperation.allCases.map(\.rawValue)
      + SystemOperation.allCases.map(\.rawValue)
    print("usage: operation-counts \(names.joined(separator: "|")) COUNT [FOLDER]")
    exit(2)
  }

  private static func makeStore(
    on storage: CountingStorage, in folder: String?
  ) throws -> Database {
    guard let folder else { return try Database.create(on: storage) }
    return try Database.create(at: folder + "/" + UUID().uuidString)
  }

  /// Runs an operation of durable memory, which returns whether it did its work.
  private static func run(
    in folder: String?, _ operation: (Database, () -> Void) throws -> Bool
  ) throws {
    let storage = CountingStorage()
    let database = try makeStore(on: storage, in: folder)
    var before = storage.counts
    guard try operation(database, { before = storage.counts }) else {
      throw WorkloadError("the operation did not do its work")
    }
    let after = storage.counts
    print(after.flushes - before.flushes, after.bytes - before.bytes)
    try database.close()
  }
}

/// What can be counted.
enum Operation: String, CaseIterable {
  case get
  case getTogether
  /// A seek and ten entries.
  case seek
  /// One entry of a scan.
  case scan
  /// A durable commit of one new record.
  case commit
  /// The same without a flush.
  case commitUnflushed
  /// One new record of a large transaction.
  case load
  /// One of many deletes in one transaction.
  case delete

  /// Returns how many records were read.
  func run(
    _ engine: any MeasuredEngine, _ table: RecordTable, _ positions: [Int32], first: Int32,
    new: Range<Int32>
  ) throws -> Int {
    switch self {
    case .get: return try engine.makeReader().get(table, positions[...]).count
    case .getTogether:
      let reader = try engine.makeReader()
      return try stride(from: 0, to: positions.count, by: 32).reduce(0) { sum, start in
        let end = min(start + 32, positions.count)
        return sum + (try reader.getTogether(table, positions[start..<end]).count)
      }
    case .seek: return try engine.makeReader().seek(table, positions[...], steps: 10).count
    case .scan:
      return try engine.makeReader().seek(table, [first], steps: positions.count).count
    case .commit: for position in new { try engine.put(table, [position], flushed: true) }
    case .commitUnflushed:
      for position in new { try engine.put(table, [position], flushed: false) }
    case .load: try engine.put(table, new.map { $0 }[...], flushed: true)
    case .delete: try engine.delete(table, positions)
    }
    return 0
  }

  /// Whether as many records were read, or are left, as should be.
  func isDone(
    _ count: Int, on positions: [Int32], loaded: Int, read: Int, left: Int
  ) -> Bool {
    switch self {
    case .get, .getTogether, .scan: read == count
    // A few of the greatest keys have fewer than ten behind them.
    case .seek: read > count * 10 - 100 && read <= count * 10
    case .commit, .commitUnflushed, .load: left == loaded + count
    case .delete: left == loaded - Set(positions).count
    }
  }
}
