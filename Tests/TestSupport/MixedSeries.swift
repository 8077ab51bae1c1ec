// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// An endless series of transactions on records, indexes of every mode, and both ways to commit.
///
/// As with `ScriptedSeries` all follows from its number and a seed, but for the identifiers of the
/// records, which several series take from one segment.
public struct MixedSeries: Sendable {
  /// How a transaction is committed.
  public enum Way: Int, Sendable {
    /// As the only writer.
    case alone
    /// Beside the others.
    case beside
    /// Prepared first.
    case prepared
    /// Beside the others, after one that was prepared and given up.
    case afterGivingUp
  }

  /// The number of the series.
  public let number: Int
  private let seed: UInt64

  /// Describes a series.
  public init(_ number: Int, seed: UInt64) {
    self.number = number
    self.seed = seed
  }

  /// Describes the first `count` series of a seed.
  public static func all(_ count: Int, seed: UInt64) -> [MixedSeries] {
    (0..<count).map { MixedSeries($0, seed: seed) }
  }

  /// Creates what all series share.
  public static func prepare(_ database: Database) throws {
    try database.write { transaction in
      _ = try transaction.createSegment(named: "records")
      _ = try transaction.createIndex(
        named: "slots", keys: UInt64.self, values: RecordID.self, mode: .exclusive)
      _ = try transaction.createIndex(
        named: "lengths", keys: UInt32.self, values: UInt64.self, mode: .cluster)
      _ = try transaction.createIndex(
        named: "progress", keys: UInt64.self, values: UInt64.self, mode: .replace)
    }
  }

  /// How a transaction is committed; the first has the number 1.
  public func way(_ transaction: Int) -> Way { Way(rawValue: transaction % 4) ?? .alone }

  /// What a transaction writes: for a slot a record, or `nil` to have none.
  public func contents(_ transaction: Int) -> [UInt64: [UInt8]?] {
    var random = SplitMix64(seed: seed &+ UInt64(number) << 32 &+ UInt64(transaction))
    var contents: [UInt64: [UInt8]?] = [:]
    for _ in 0...random.below(5) {
      let slot = UInt64(number * 1000 + random.below(40))
      let isLarge = random.chance(1, in: 60)
      let record = random.bytes(isLarge ? 20_000 + random.below(200_000) : random.below(400))
      contents.updateValue(random.chance(1, in: 4) ? nil : record, forKey: slot)
    }
    return contents
  }

  /// Makes the changes of a transaction.
  public func make(_ transaction: Int, in view: some TreeWriting) throws {
    let shared = try MixedSchema(view)
    for (slot, record) in contents(transaction) {
      try shared.set(slot, to: record, in: view)
    }
    try view.put(UInt64(transaction), forKey: UInt64(number), in: shared.progress)
  }

  /// How far the series has come; 0 before its first transaction.
  public func progress(in reader: some TreeReader) throws -> Int {
    let shared = try MixedSchema(reader)
    return Int(try reader.first(forKey: UInt64(number), in: shared.progress) ?? 0)
  }
}

/// What all series share.
struct MixedSchema {
  let records: SegmentID
  let slots: Index<UInt64, RecordID>
  let lengths: Index<UInt32, UInt64>
  let progress: Index<UInt64, UInt64>

  init(_ reader: some TreeReader) throws {
    guard let records = try reader.segment(named: "records"),
      let slots = try reader.index(named: "slots", keys: UInt64.self, values: RecordID.self),
      let lengths = try reader.index(named: "lengths", keys: UInt32.self, values: UInt64.self),
      let progress = try reader.index(named: "progress", keys: UInt64.self, values: UInt64.self)
    else { throw TestFailure("the store has not what all series share") }
    self.records = records
    self.slots = slots
    self.lengths = lengths
    self.progress = progress
  }

  func set(_ slot: UInt64, to record: [UInt8]?, in view: some TreeWriting) throws {
    let present = try view.first(forKey: slot, in: slots)
    if let present {
      let length = UInt32(try view.read(present)?.count ?? 0)
      guard try view.remove(slot, forKey: length, from: lengths) else {
        throw TestFailure("slot \(slot) is not found by its length \(length)")
      }
    }
    switch (present, record) {
    case (let id?, let record?): try view.update(id, to: record)
    case (nil, let record?):
      try view.put(try view.insert(record, into: records), forKey: slot, in: slots)
    case (let id?, nil):
      try view.delete(id)
      try view.removeKey(slot, from: slots)
    case (nil, nil): break
    }
    if let record { try view.put(slot, forKey: UInt32(record.count), in: lengths) }
  }
}
