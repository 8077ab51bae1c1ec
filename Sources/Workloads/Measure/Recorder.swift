// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Measures one row after the other and keeps the figures.
public final class Recorder {
  /// What was measured so far.
  public private(set) var figures: [Figure] = []
  private let folder: String
  /// What to tell when a row begins.
  private let announce: (Row) throws -> Void
  /// Rows that are measured; of others nothing is done.
  private let rows: Set<Row>

  /// Measures what happens on the device of a folder.
  public init(folder: String, rows: Set<Row>, announce: @escaping (Row) throws -> Void = { _ in }) {
    self.folder = folder
    self.rows = rows
    self.announce = announce
  }

  /// Whether a row is measured.
  public func measures(_ row: Row) -> Bool { rows.contains(row) }

  /// The rate of `count` operations that `body` does.
  public func rate(_ row: Row, of count: Int, _ body: () throws -> Void) throws {
    try measure(row) { Double(count) / (try Self.seconds(body)) }
  }

  /// Whatever value `body` comes to.
  public func measure(_ row: Row, _ body: () throws -> Double) throws {
    guard rows.contains(row) else { return }
    try announce(row)
    let before = DeviceCounters.read(folder: folder)
    let value = try body()
    let after = DeviceCounters.read(folder: folder)
    figures.append(
      Figure(
        row: row, value: value, flushes: after.flushes &- before.flushes,
        bytesWritten: after.bytesWritten &- before.bytesWritten))
  }

  /// A value that came with the last row.
  public func add(_ row: Row, _ value: Double) {
    guard rows.contains(row) else { return }
    figures.append(Figure(row: row, value: value, flushes: 0, bytesWritten: 0))
  }

  /// How long `body` takes.
  public static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return (ContinuousClock.now - start) / .seconds(1)
  }
}

/// What the kernel counts.
struct DeviceCounters {
  var flushes: UInt64 = 0
  var bytesWritten: UInt64 = 0

  /// Zero for what cannot be read.
  static func read(folder: String) -> DeviceCounters {
    var counters = DeviceCounters()
    if let device = try? FileManager.default.attributesOfItem(atPath: folder)[.systemNumber] as? Int
    {
      // Major and minor numbers as the kernel packs them.
      let (major, minor) = (device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00)
      let words = text("/sys/dev/block/\(major):\(minor)/stat").split { $0.isWhitespace }
      // The sixteenth field, counted from one: flushes done. Partitions have none of their own.
      if words.count > 15 { counters.flushes = UInt64(words[15]) ?? 0 }
    }
    counters.bytesWritten = number(after: "write_bytes:", in: "/proc/self/io")
    return counters
  }

  /// Bytes of memory this process has resident now, or the most it ever had.
  static func residentBytes(peak: Bool) -> UInt64 {
    number(after: peak ? "VmHWM:" : "VmRSS:", in: "/proc/self/status") * 1024
  }

  private static func number(after label: String, in path: String) -> UInt64 {
    for line in text(path).split(separator: "\n") where line.hasPrefix(label) {
      return line.dropFirst(label.count).split { $0.isWhitespace }.first.flatMap { UInt64($0) } ?? 0
    }
    return 0
  }

  private static func text(_ path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }
}
