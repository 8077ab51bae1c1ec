// SPDX-License-Identifier: Apache-2.0

/// A model that commands of the journal are executed on.
struct CommandReplay<Model: Sendable> {
  let registry: CommandRegistry<Model>
  let seed: UInt64
  let stateHash: (@Sendable (Model) throws -> UInt64)?
  private(set) var number: UInt64
  private(set) var time: UInt64
  /// The form of the last command: the next has mostly the same.
  private var lastForm: (name: [UInt8], version: Int, replay: CommandRegistry<Model>.Replay)?

  init(
    registry: CommandRegistry<Model>, seed: UInt64,
    stateHash: (@Sendable (Model) throws -> UInt64)?, number: UInt64, time: UInt64
  ) {
    self.registry = registry
    self.seed = seed
    self.stateHash = stateHash
    self.number = number
    self.time = time
  }

  /// Executes a command.
  mutating func execute(
    _ record: JournalRecord, _ payload: ArraySlice<UInt8>, on model: inout Model
  ) throws(PrevalenceError) {
    // Whatever the clock says, no command is journaled with an earlier time.
    guard record.time >= time else { throw .earlierTime(record.number) }
    let replay = try form(of: record)
    var context = CommandContext(
      number: record.number, now: record.time, seed: seed, isReplay: true)
    do {
      try replay(payload, &model, &context)
    } catch CommandFailure.undecodable(let reason) {
      throw .undecodable(
        name: record.text, version: record.version, number: record.number, reason: reason)
    } catch {
      throw .diverged(name: record.text, number: record.number, reason: "it throws: \(error)")
    }
    try compareHash(record, model)
    number = record.number
    time = record.time
  }

  /// Executes what lies in runs, as long as it is wanted.
  mutating func execute(
    _ runs: [RecentJournal.Run], on model: inout Model,
    while isWanted: (JournalRecord) -> Bool
  ) throws(PrevalenceError) {
    for run in runs {
      for index in run.ends.indices {
        let next = run.first + UInt64(index)
        guard next > number else { continue }
        let record = try JournalRecord(number: next, run.entry(index))
        guard isWanted(record) else { return }
        try execute(record, record.payload, on: &model)
      }
    }
  }

  private mutating func form(
    of record: JournalRecord
  ) throws(PrevalenceError) -> CommandRegistry<Model>.Replay {
    if let last = lastForm, last.version == record.version, record.name.elementsEqual(last.name) {
      return last.replay
    }
    let form = CommandRegistry<Model>.Form(name: Array(record.name), version: record.version)
    guard let replay = registry.forms[form] else {
      throw .unknownCommand(
        name: try record.validText(), version: record.version, number: record.number)
    }
    lastForm = (form.name, form.version, replay)
    return replay
  }

  private func compareHash(_ record: JournalRecord, _ model: Model) throws(PrevalenceError) {
    guard let expected = record.hash, let stateHash else { return }
    let found: UInt64
    do {
      found = try stateHash(model)
    } catch {
      throw .modelNotEncodable(reason: "\(error)")
    }
    guard found == expected else {
      throw .diverged(
        name: record.text, number: record.number,
        reason: "the state has hash \(found), not \(expected)")
    }
  }
}

extension PrevalenceError {
  static func earlierTime(_ number: UInt64) -> PrevalenceError {
    .damagedEntry(number: number, reason: "its time is before that of the command before it")
  }
}

extension JournalRecord {
  /// The name of the command, for messages.
  var text: String { String(decoding: name, as: UTF8.self) }

  /// The name of the command; whoever knows it has compared its bytes.
  func validText() throws(PrevalenceError) -> String {
    guard let text = String(validating: name, as: UTF8.self) else {
      throw .damagedEntry(number: number, reason: "the name of its command is no text")
    }
    return text
  }
}
