// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What is left on the disk after most was deleted.
public struct SpaceWorkload {
  private let kind: any MeasuredEngineKind
  private let folder: String
  private let size: Int
  private let recorder: Recorder

  /// The workload over `size` records in an empty folder.
  public init(
    _ kind: any MeasuredEngineKind, in folder: String, size: Int,
    rows: Set<Row> = Set(Row.allCases), announce: @escaping (Row) throws -> Void = { _ in }
  ) {
    self.kind = kind
    self.folder = folder
    self.size = size
    recorder = Recorder(folder: folder, rows: rows, announce: announce)
  }

  /// Deletes 90 % in ten transactions and lets the engine settle twice.
  public func run() throws -> [Figure] {
    try recorder.measure(.shrunkSize) {
      let table = RecordTable(0..<UInt64(size))
      let path = folder + "/shrinking"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let engine = try kind.open(in: path, cacheBytes: 1 << 30)
      try engine.load(table, (0..<Int32(size)).map { $0 }, sorted: false)
      try engine.settle()
      let part = size * 9 / 100
      for number in 0..<10 {
        let positions = Int32(number * part)..<Int32((number + 1) * part)
        try engine.delete(table, positions.map { $0 })
      }
      try engine.settle()
      try engine.settle()
      let left = table.checksum(of: 10 * part..<size)
      try WorkloadError.expect(try engine.makeReader().scan(), left, .shrunkSize)
      let bytes = try FileSizes.allocatedBytes(path)
      let log = try engine.logBytes
      try engine.close()
      return Double(bytes - min(bytes, log)) / Double((size - 10 * part) * table.recordBytes)
    }
    return recorder.figures
  }
}
