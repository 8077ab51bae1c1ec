// SPDX-License-Identifier: Apache-2.0

/// A key-value engine as the workloads use it: a map of byte strings, ordered, with transactions.
///
/// Each adapter uses its engine in the way its makers recommend. Loops lie in the adapters, so that
/// none pays for the seam.
public protocol MeasuredEngine: AnyObject, Sendable {
  /// Puts the records at `positions` in one durable transaction into an empty store.
  ///
  /// `sorted` says that they come in the order of their keys.
  func load(_ table: RecordTable, _ positions: [Int32], sorted: Bool) throws

  /// Puts the records at `positions` in one transaction; any number of threads may call.
  ///
  /// `flushed` asks for a commit that survives power loss; otherwise it need not even have been
  /// handed to the operating system.
  func put(_ table: RecordTable, _ positions: ArraySlice<Int32>, flushed: Bool) throws

  /// Gives each record at `positions` the value of the record `shift` positions on, in one
  /// transaction, as `put` does.
  func update(
    _ table: RecordTable, _ positions: ArraySlice<Int32>, shift: Int, flushed: Bool) throws

  /// Deletes the records at `positions` in one durable transaction.
  func delete(_ table: RecordTable, _ positions: [Int32]) throws

  /// Does several things in one transaction, and fails unless the record to get is there.
  func operate(_ table: RecordTable, _ operations: Operations, flushed: Bool) throws

  /// Starts reading what is committed now; each reader belongs to one thread.
  func makeReader() throws -> any MeasuredReader

  /// Makes everything durable and brings it where it stays: a checkpoint, a merge of the levels.
  func settle() throws

  /// Bytes of its files that are log, which is written over and over.
  var logBytes: UInt64 { get throws }

  /// Ends everything, in order.
  func close() throws
}

extension MeasuredEngine {
  /// As any transaction, where the engine has no way of its own.
  public func load(_ table: RecordTable, _ positions: [Int32], sorted: Bool) throws {
    try put(table, positions[...], flushed: true)
  }

  /// An update to the value that belongs to each record.
  public func put(_ table: RecordTable, _ positions: ArraySlice<Int32>, flushed: Bool) throws {
    try update(table, positions, shift: 0, flushed: flushed)
  }
}

/// Reads from one consistent state.
public protocol MeasuredReader: AnyObject {
  /// Goes on to what is committed now.
  func renew() throws

  /// Gets the value of each record at `positions`, one call each; those that are not there do not
  /// count.
  func get(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum

  /// The same, asking the engine for all of them at once where it has a way to.
  func getTogether(_ table: RecordTable, _ positions: ArraySlice<Int32>) throws -> Checksum

  /// For each of `positions`, finds its key and reads the values of `steps` entries from there on.
  func seek(_ table: RecordTable, _ positions: ArraySlice<Int32>, steps: Int) throws -> Checksum

  /// Reads every entry, in the order of keys.
  func scan() throws -> Checksum
}

/// How an engine of a kind is made.
public protocol MeasuredEngineKind: Sendable {
  /// Its name and version, as tables show it.
  var name: String { get }

  /// Opens the store in a folder, making it where it is not there yet.
  func open(in folder: String, cacheBytes: Int) throws -> any MeasuredEngine

  /// Opens a store of which `readers` can be open at once; `nil` where there cannot be as many.
  func openSnapshots(
    in folder: String, cacheBytes: Int, readers: Int
  ) throws -> (any MeasuredSnapshots)?

  /// Opens a store for commits in two phases; `nil` where there are none.
  func openTwoPhase(
    in folder: String, cacheBytes: Int
  ) throws -> (any MeasuredTwoPhaseEngine)?

  /// Opens a store of keys with several values; `nil` where it is not measured.
  func openMultimap(in folder: String, cacheBytes: Int) throws -> (any MeasuredMultimap)?

  /// Opens a store of records by number; `nil` where it is not measured.
  func openSegments(in folder: String, cacheBytes: Int) throws -> (any MeasuredSegments)?
}
