// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What is measured: the rows of the table.
public enum Row: String, Codable, CaseIterable, Sendable {
  case loadRandom = "W1"
  case loadSorted = "W2"
  case commit = "W3"
  case commitSlowest = "W3 p99"
  case commitsOfThousand = "W4"
  case commitsOfEightThreads = "W5, 8 threads"
  case commitsOfManyThreads = "W5, 32 threads"
  case commitUnflushed = "W6"
  case get = "W7"
  case getTogether = "W8"
  case getOnTwoThreads = "W9"
  case seek = "W10"
  case scan = "W11"
  case deleteHalf = "W12"
  case halfUpdates = "W13"
  case flushedUpdatesAmongGets = "W14"
  case loadedSize = "W16"
  case shrunkSize = "W17"
  case reopenClean = "W18"
  case reopenCrashed = "W18, after a kill"
  case twoPhases = "W19, 1 thread"
  case twoPhasesOfEightThreads = "W19, 8 threads"
  case beginRead = "W20 begin"
  case rateKept = "W20 rate"
  case snapshotGrowth = "W20 growth"
  case indexInsert = "W21 insert"
  case indexRange = "W21 range"
  case indexDelete = "W21 delete"
  case segmentInsert = "W22 insert, 100 B"
  case segmentRead = "W22 read, 100 B"
  case segmentUpdate = "W22 update, 100 B"
  case segmentScan = "W22 scan, 100 B"
  case segmentInsertLarge = "W22 insert, 2 KB"
  case segmentReadLarge = "W22 read, 2 KB"
  case segmentUpdateLarge = "W22 update, 2 KB"
  case segmentScanLarge = "W22 scan, 2 KB"
  case finalSize = "W16, at the end"
  case operationsFlushed = "W23, flushed"
  case operationsUnflushed = "W23, unflushed"
  case modelsInsert = "W25 insert"
  case modelsCommit = "W25 flushed"
  case modelsCommitUnflushed = "W25 unflushed"
  case modelsFetch = "W25 fetch all"
  case modelsFetchByID = "W25 fetch by id"
  case commitDuringCheckpoints = "W27 p99.9"
  case peakMemory = "memory"

  /// The number, which a few rows share: W5.
  public var number: String { String(rawValue.prefix { $0 != "," && $0 != " " }) }

  /// In which unit its values are, and which are better.
  public enum Unit: String, Codable, Sendable {
    case perSecond = "/s"
    case seconds = "s"
    case bytes = "B"
    /// A multiple of the bytes of the live keys and values.
    case ofLive = "× live"
    /// A part of the whole; more is better.
    case share = "of the whole"

    /// Whether more is better.
    public var isRate: Bool { self == .perSecond || self == .share }

    /// A value for people.
    public func text(_ value: Double) -> String {
      switch self {
      case .perSecond where value >= 1e6: String(format: "%.2f M/s", value / 1e6)
      case .perSecond where value >= 1e3: String(format: "%.1f k/s", value / 1e3)
      case .perSecond: String(format: "%.0f /s", value)
      case .seconds where value < 1e-6: String(format: "%.1f ns", value * 1e9)
      case .seconds where value < 1e-5: String(format: "%.2f µs", value * 1e6)
      case .seconds where value < 1e-3: String(format: "%.0f µs", value * 1e6)
      case .seconds where value < 1: String(format: "%.1f ms", value * 1e3)
      case .seconds: String(format: "%.2f s", value)
      case .bytes: String(format: "%.0f MB", value / 1e6)
      case .ofLive: String(format: "%.2f ×", value)
      case .share: String(format: "%.1f %%", value * 100)
      }
    }
  }

  /// The unit of its values.
  public var unit: Unit {
    switch self {
    case .commit, .commitSlowest, .reopenClean, .reopenCrashed, .commitDuringCheckpoints,
      .beginRead:
      .seconds
    case .loadedSize, .shrunkSize, .finalSize, .snapshotGrowth: .ofLive
    case .rateKept: .share
    case .peakMemory: .bytes
    default: .perSecond
    }
  }

  /// What is done.
  public var title: String {
    switch self {
    case .loadRandom: "load in random order, one durable transaction"
    case .loadSorted: "load in key order, one durable transaction"
    case .commit: "durable commit of one record, 1 thread, median"
    case .commitSlowest: "the same, 99th percentile"
    case .commitsOfThousand: "100 durable transactions of 1000 records"
    case .commitsOfEightThreads: "durable commits of one record, 8 threads"
    case .commitsOfManyThreads: "durable commits of one record, 32 threads"
    case .commitUnflushed: "commits of one record without flush"
    case .get: "random gets, hot, 1 thread"
    case .getTogether: "random gets, hot, 32 at a time"
    case .getOnTwoThreads: "random gets, hot, 2 threads"
    case .seek: "seek and read 10"
    case .scan: "scan in key order"
    case .deleteHalf: "delete half in random order, one durable transaction"
    case .halfUpdates: "half updates without flush, half gets, Zipf 0.99"
    case .flushedUpdatesAmongGets: "5 % durable updates, 95 % gets, Zipf 0.99"
    case .loadedSize: "size on disk after W1, W3-W6, log aside"
    case .shrunkSize: "size after 90 % were deleted and two checkpoints"
    case .reopenClean: "close, reopen, first get"
    case .reopenCrashed: "reopen after a kill with a full log, first get"
    case .twoPhases: "one record prepared durably, then committed durably, 1 thread"
    case .twoPhasesOfEightThreads: "the same, 8 threads"
    case .beginRead: "begin reading and end it again, 1000 readers open"
    case .rateKept: "rate of updates kept beside 1000 open readers"
    case .snapshotGrowth: "growth on disk in the meantime, log aside"
    case .indexInsert: "insert index entries, 10 a key, random order, one durable transaction"
    case .indexRange: "read ranges of 100 index entries, in entries"
    case .indexDelete: "delete half of the entries, random order, one durable transaction"
    case .segmentInsert, .segmentInsertLarge: "insert numbered records, one durable transaction"
    case .segmentRead, .segmentReadLarge: "read random ones by number"
    case .segmentUpdate, .segmentUpdateLarge:
      "update all in random order, one durable transaction"
    case .segmentScan, .segmentScanLarge: "scan in the order of numbers, after the updates"
    case .finalSize: "size on disk after W12 and closing, log aside"
    case .operationsFlushed: "2 puts, 1 get, 1 update, 1 delete a durable transaction"
    case .operationsUnflushed: "the same without flush"
    case .modelsInsert: "insert structs, one durable transaction"
    case .modelsCommit: "durable transactions that insert one struct, 1 thread"
    case .modelsCommitUnflushed: "the same without flush"
    case .modelsFetch: "fetch all structs, in structs"
    case .modelsFetchByID: "fetch a struct by its key, random"
    case .commitDuringCheckpoints: "durable commit of one record under load, with checkpoints"
    case .peakMemory: "peak memory of W1-W18, the records aside"
    }
  }
}

/// One value of one run.
public struct Figure: Codable, Sendable {
  /// What was measured.
  public let row: Row
  /// In the row's unit.
  public let value: Double
  /// How many flushes the device did in the meantime, whoever asked for them.
  public let flushes: UInt64
  /// Bytes this process wrote to the device in the meantime.
  public let bytesWritten: UInt64
}
