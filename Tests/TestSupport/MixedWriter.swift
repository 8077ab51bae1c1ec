// SPDX-License-Identifier: Apache-2.0

import Glibc
public import StorageEngine

/// Commits the transactions of mixed series and says what was acknowledged.
///
///     prepared SERIES TRANSACTION   the first phase returned
///     SERIES TRANSACTION            the commit returned
///     full                          there was no room; it is tried again
public struct MixedWriter: Sendable {
  /// How often a transaction that found no room is tried again.
  public var patience = 0
  private let database: Database
  private let say: @Sendable (String) -> Void

  /// A writer to a store that hands each line to `say`.
  public init(_ database: Database, _ say: @escaping @Sendable (String) -> Void) {
    self.database = database
    self.say = say
  }

  /// Commits the transactions of a series from where the store is, up to `last`.
  public func run(_ series: MixedSeries, upTo last: Int = .max) throws {
    var next = try series.progress(in: try database.snapshot()) + 1
    while next <= last {
      try withPatience { try commit(series, next) }
      say("\(series.number) \(next)")
      next += 1
    }
  }

  /// Runs `body` until there is room for what it does.
  private func withPatience<Result>(_ body: () throws -> Result) throws -> Result {
    var patience = patience
    while true {
      do {
        return try body()
      } catch {
        guard patience > 0, Self.isNoRoom(error) else { throw error }
        patience -= 1
        say("full")
        usleep(1000)
      }
    }
  }

  private func commit(_ series: MixedSeries, _ transaction: Int) throws {
    switch series.way(transaction) {
    case .alone: try database.write { try series.make(transaction, in: $0) }
    case .beside: try begin(series, transaction).commit()
    case .prepared:
      let prepared = try begin(series, transaction, "yes").prepare()
      say("prepared \(series.number) \(transaction)")
      try withPatience { try prepared.commit() }
    case .afterGivingUp:
      let doomed = try begin(series, transaction, "no").prepare()
      try withPatience { try doomed.rollback() }
      try begin(series, transaction).commit()
    }
  }

  private func begin(
    _ series: MixedSeries, _ transaction: Int, _ decision: String = ""
  ) throws -> Transaction {
    let strategies = ConflictStrategy.allCases
    let begun = try database.begin(
      TransactionOptions(
        strategy: strategies[transaction / 4 % strategies.count],
        identifier: Array("\(series.number) \(transaction) \(decision)".utf8)))
    try series.make(transaction, in: begun)
    return begun
  }

  /// Whether an error says that the disk is full, and nothing else.
  public static func isNoRoom(_ error: any Error) -> Bool {
    let engineError: EngineError? =
      switch error {
      case TransactionError.engine(let error): error
      case IndexError.engine(let error): error
      case SegmentError.engine(let error): error
      default: error as? EngineError
      }
    return engineError == .outOfSpace
  }
}
