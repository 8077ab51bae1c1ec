// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// A prevalent system as a store has it, to be read by programs that do not have its model.
///
/// Reads a snapshot: of a system that is open in this process it shows the state of the last
/// checkpoint.
public struct StoredSystem: Sendable {
  /// The name of the system.
  public let name: String
  /// What the type of the model is called.
  public let modelName: String
  /// The numbers of the first and the last command in the journal; `nil` where it is empty.
  public let commands: ClosedRange<UInt64>?
  private let journal: CommandJournal

  /// One command of the journal.
  public struct Command: Sendable, Equatable {
    /// Its number.
    public let number: UInt64
    /// Its time in milliseconds since 1970.
    public let time: UInt64
    /// The name of its type.
    public let name: String
    /// The version of its form.
    public let version: Int
    /// What its codec wrote.
    public let payload: [UInt8]
    /// The hash of the state after it, where the journal has one.
    public let stateHash: UInt64?
  }

  /// The systems of a store, in the order of their names' bytes.
  ///
  /// - Throws: `PrevalenceError`.
  public static func all(in database: Database, _ view: Snapshot) throws -> [StoredSystem] {
    let names = try view.trees().compactMap { PrevalentTrees.system(ofTree: $0.name) }
    return try names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap { name in
      guard let trees = try PrevalentTrees.find(name, in: view) else { return nil }
      let journal = CommandJournal(database: database, trees: trees, resident: nil)
      return StoredSystem(
        name: name, modelName: try SystemInformation.read(trees, in: view).modelName,
        commands: try journal.bounds(in: view), journal: journal)
    }
  }

  /// Calls `body` with the commands from a number on, in order, until it returns false.
  ///
  /// - Throws: What `body` throws; `PrevalenceError`.
  public func visit(
    from number: UInt64 = 0, in view: Snapshot, _ body: (Command) throws -> Bool
  ) throws {
    guard let commands, number <= commands.upperBound else { return }
    // Commands are counted from one, and not to the end.
    for bound in [commands.lowerBound, commands.upperBound] where bound == 0 || bound == .max {
      throw PrevalenceError.damagedEntry(number: bound, reason: "no command has this number")
    }
    let first = max(number, commands.lowerBound)
    try journal.read(after: first - 1, in: view) { record, payload in
      try body(
        Command(
          number: record.number, time: record.time,
          name: try record.validText(), version: record.version,
          payload: Array(payload), stateHash: record.hash))
    }
  }
}
