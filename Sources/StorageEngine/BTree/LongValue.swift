// SPDX-License-Identifier: Apache-2.0

/// The leaf's share of a value that is spread over value pages: its length, then references.
enum PagedValue {
  static let headerBytes = 8

  static func offset(ofReference position: Int) -> Int {
    headerBytes + position * PageLayout.referenceBytes
  }

  static func length(_ value: Bytes) -> Int {
    value.count >= headerBytes ? Int(value.load(0, as: UInt32.self)) : 0
  }

  static func pageCount(_ value: Bytes) -> Int {
    max(0, (value.count - headerBytes) / PageLayout.referenceBytes)
  }

  static func reference(_ value: Bytes, _ position: Int) -> PageReference {
    let offset = offset(ofReference: position)
    return PageReference(
      number: value.load(offset, as: UInt64.self), checksum: value.load(offset + 8, as: UInt32.self)
    )
  }

  static func encode(length: Int, pages: [UInt64]) -> [UInt8] {
    var bytes = [UInt8]()
    bytes.reserveCapacity(offset(ofReference: pages.count))
    bytes.appendInteger(UInt32(length))
    bytes.appendInteger(UInt32(0))
    for number in pages {
      bytes.appendInteger(number)
      bytes.appendInteger(UInt64(0))
    }
    return bytes
  }
}

/// Consecutive raw pages that hold a piece of a large value, and the checksum of all their bytes.
struct PageRun: Equatable {
  static let encodedBytes = 16

  var first: UInt64
  var count: Int
  var checksum: UInt32
}

/// The leaf's share of a value that was written to runs of pages before the commit.
struct DirectValue: Equatable {
  /// Runs listed in the leaf itself; a longer list goes to pages of its own.
  static let maximumInlineRuns = 16
  private static let headerBytes = 16
  static let maximumEncodedBytes = headerBytes + maximumInlineRuns * PageRun.encodedBytes

  var length: Int
  var runCount: Int
  /// All runs, when they are listed inline.
  var runs: [PageRun]
  /// The first page of the list otherwise.
  var list: PageReference?

  var encoded: [UInt8] {
    var bytes = [UInt8]()
    bytes.appendInteger(UInt64(length))
    bytes.appendInteger(UInt32(runCount))
    bytes.appendInteger(UInt32(0))
    if let list {
      bytes.appendInteger(list.number)
      bytes.appendInteger(list.checksum)
      bytes.appendInteger(UInt32(0))
    } else {
      for run in runs { Self.append(run, to: &bytes) }
    }
    return bytes
  }

  /// Reads what a leaf or the log holds; `nil` when it is malformed.
  init?(_ value: Bytes) {
    guard value.count >= Self.headerBytes else { return nil }
    let length = value.load(0, as: UInt64.self)
    let runCount = Int(value.load(8, as: UInt32.self))
    guard length <= UInt64(PageGeometry.maximumValueBytes), runCount > 0, runCount < 1 << 20 else {
      return nil
    }
    self.length = Int(length)
    self.runCount = runCount
    runs = []
    if runCount <= Self.maximumInlineRuns {
      guard value.count == Self.headerBytes + runCount * PageRun.encodedBytes else { return nil }
      for position in 0..<runCount {
        runs.append(
          Self.run(value, at: Self.headerBytes + position * PageRun.encodedBytes))
      }
    } else {
      guard value.count == Self.headerBytes + PageLayout.referenceBytes else { return nil }
      list = PageReference(
        number: value.load(Self.headerBytes, as: UInt64.self),
        checksum: value.load(Self.headerBytes + 8, as: UInt32.self))
    }
  }

  init(length: Int, runs: [PageRun], list: PageReference?) {
    self.length = length
    runCount = runs.count
    self.runs = runs
    self.list = list
  }

  static func run(_ bytes: Bytes, at offset: Int) -> PageRun {
    PageRun(
      first: bytes.load(offset, as: UInt64.self),
      count: Int(bytes.load(offset + 8, as: UInt32.self)),
      checksum: bytes.load(offset + 12, as: UInt32.self))
  }

  static func append(_ run: PageRun, to bytes: inout [UInt8]) {
    bytes.appendInteger(run.first)
    bytes.appendInteger(UInt32(run.count))
    bytes.appendInteger(run.checksum)
  }
}

extension [UInt8] {
  /// Appends an integer, little-endian.
  mutating func appendInteger<T: FixedWidthInteger>(_ value: T) {
    var value = value.littleEndian
    unsafe Swift.withUnsafeBytes(of: &value) { unsafe append(contentsOf: $0) }
  }
}
