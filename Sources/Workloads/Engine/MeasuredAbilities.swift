// SPDX-License-Identifier: Apache-2.0

/// An engine that many can read from at once, each another state.
public protocol MeasuredSnapshots: MeasuredEngine {
  /// Begins reading and ends it again, so many times, in the way that costs least.
  func beginReads(_ count: Int) throws
}

/// An engine whose transactions can be prepared first and be committed by a second decision.
public protocol MeasuredTwoPhaseEngine: AnyObject, Sendable {
  /// Puts each record at `positions` in a transaction of its own, which is durable once it is
  /// prepared and its commit durable as well; any number of threads may call.
  func commitInTwoPhases(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws

  /// Gets the value of each record at `positions`; those that are not there do not count.
  func get(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum

  /// Ends everything, in order.
  func close() throws
}

/// A map from keys to sets of values, both in order, in one of an engine's own forms.
public protocol MeasuredMultimap: AnyObject {
  /// Adds the entries at `positions` in one durable transaction.
  func insert(_ table: EntryTable, _ positions: [Int32]) throws

  /// Removes the entries at `positions` in one durable transaction.
  func delete(_ table: EntryTable, _ positions: [Int32]) throws

  /// For each of `keys`, reads the values of that key and of those after it: all values of `count`
  /// keys in all.
  func ranges(_ table: EntryTable, from keys: [Int32], count: Int) throws -> Checksum

  /// Reads all values, in the order of keys.
  func scan() throws -> Checksum

  /// Ends everything, in order.
  func close() throws
}

/// Records that the engine numbers, in the order of their insertion.
public protocol MeasuredSegments: AnyObject {
  /// Inserts all records of a table in one durable transaction into an empty store, and keeps their
  /// numbers.
  func insert(_ table: RecordTable) throws

  /// Reads the records at `positions` by their numbers, one call each.
  func read(_ positions: [Int32]) throws -> Checksum

  /// Gives each record at `positions` the value of the record `shift` positions on, in one durable
  /// transaction.
  func update(_ table: RecordTable, _ positions: [Int32], shift: Int) throws

  /// Reads every record, in the order of numbers.
  func scan() throws -> Checksum

  /// Ends everything, in order.
  func close() throws
}

// What a kind does not say it can do is not measured.
extension MeasuredEngineKind {
  /// There cannot be as many.
  public func openSnapshots(
    in folder: String, cacheBytes: Int, readers: Int
  ) throws -> (any MeasuredSnapshots)? { nil }

  /// There are no such commits.
  public func openTwoPhase(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredTwoPhaseEngine)? { nil }

  /// Not measured.
  public func openMultimap(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredMultimap)? { nil }

  /// Not measured.
  public func openSegments(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredSegments)? { nil }
}
