// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// States of the past, entries of the journal, and following those of another system.
extension PrevalentSystem {
  /// Makes the state after a command, or at a time, of the system of a name.
  ///
  /// For a database that is open for reading only, or whose system is not open; while it is, its last
  /// commands are missing until the next checkpoint of the store.
  ///
  /// - Throws: `PrevalenceError`, `.outOfHistory` when the images and entries that are kept do not
  ///   reach there.
  public static func past(
    _ point: PointInTime, in database: Database, named name: String = "main",
    _ registry: CommandRegistry<Model>, options: PrevalentOptions<Model>
  ) throws(PrevalenceError) -> PastState<Model> {
    do {
      let view = try database.snapshot()
      defer { view.close() }
      guard let trees = try PrevalentTrees.find(name, in: view) else {
        throw PrevalenceError.notFound(name: name)
      }
      try options.check(registry)
      let loader = ModelLoader(
        journal: CommandJournal(database: database, trees: trees, resident: nil),
        images: ImageStore(database: database, trees: trees, system: name), registry: registry,
        options: options, information: try SystemInformation.read(trees, in: view))
      let loaded = try loader.load(from: view, upTo: point)
      try loader.check(loaded, reaches: point, in: view)
      return PastState(
        model: loaded.model, moment: Moment(number: loaded.number, time: loaded.time))
    } catch {
      throw CommandJournal.error(error)
    }
  }

  /// Makes the state after a command, or at a time.
  ///
  /// - Throws: `PrevalenceError`, `.outOfHistory` when the images and entries that are kept do not
  ///   reach there.
  public func past(_ point: PointInTime) throws(PrevalenceError) -> PastState<Model> {
    try checkOpen()
    return try lookingAgain { view throws(PrevalenceError) in
      var loaded = try loader.load(from: view, upTo: point)
      // Where the pages have more, it ends among them.
      let last = try journal.bounds(in: view)?.upperBound ?? 0
      if loaded.number >= last {
        let runs = try runs(after: loaded.number)
        var replay = loader.replay(after: loaded.number, time: loaded.time)
        try replay.execute(runs, on: &loaded.model) { point.contains($0) }
        (loaded.number, loaded.time) = (replay.number, replay.time)
      }
      try loader.check(loaded, reaches: point, in: view)
      return PastState(
        model: loaded.model, moment: Moment(number: loaded.number, time: loaded.time))
    }
  }

  private static var mostViews: Int { 8 }

  /// Runs `body` on what the pages of the store show, and again on a later view where memory has
  /// forgotten meanwhile what had come into the pages.
  private func lookingAgain<R>(
    _ body: (Snapshot) throws(PrevalenceError) -> R
  ) throws(PrevalenceError) -> R {
    for _ in 1..<Self.mostViews {
      do throws(PrevalenceError) {
        return try looking(body)
      } catch .gap {
        continue
      }
    }
    return try looking(body)
  }

  private func looking<R>(
    _ body: (Snapshot) throws(PrevalenceError) -> R
  ) throws(PrevalenceError) -> R {
    let view = try PrevalenceError.wrapping { () throws(EngineError) in try database.snapshot() }
    defer { view.close() }
    return try body(view)
  }

  /// What is in memory after a command; throws `.gap` where not all of it is.
  private func runs(
    after number: UInt64
  ) throws(PrevalenceError) -> [RecentJournal.Run] {
    try working.withLock { working throws(PrevalenceError) in
      let runs = working.recent.runs(after: number)
      guard let runs else { throw working.recent.gap(after: number) }
      return runs
    }
  }

  /// The entries of the journal after a command, at most `limit` of them.
  ///
  /// The last ones may not be durable yet.
  ///
  /// - Throws: `PrevalenceError`, `.outOfHistory` when the next one is not kept any more.
  public func entries(
    after number: UInt64, limit: Int = .max
  ) throws(PrevalenceError) -> [JournalEntry] {
    try checkOpen()
    let (first, last) = working.withLock { ($0.firstEntry, $0.number) }
    guard number <= last, number >= first - 1 else {
      throw .outOfHistory(oldest: first - 1, newest: last)
    }
    if limit <= 0 { return [] }
    return try lookingAgain { view throws(PrevalenceError) in
      var entries = try storedEntries(after: number, limit: limit, in: view)
      if entries.count < limit {
        try appendRecent(after: entries.last?.number ?? number, to: &entries, limit: limit)
      }
      return entries
    }
  }

  /// The entries that the pages of the store have.
  private func storedEntries(
    after number: UInt64, limit: Int, in view: Snapshot
  ) throws(PrevalenceError) -> [JournalEntry] {
    var entries: [JournalEntry] = []
    do {
      try journal.read(after: number, in: view) { record, payload in
        entries.append(JournalEntry(record, payload, seed: seed))
        return entries.count < limit
      }
    } catch {
      throw CommandJournal.error(error)
    }
    return entries
  }

  /// Appends the entries that are in memory.
  private func appendRecent(
    after number: UInt64, to entries: inout [JournalEntry], limit: Int
  ) throws(PrevalenceError) {
    for run in try runs(after: number) {
      for index in run.ends.indices where run.first + UInt64(index) > number {
        guard entries.count < limit else { return }
        let record = try JournalRecord(number: run.first + UInt64(index), run.entry(index))
        entries.append(JournalEntry(record, record.payload, seed: seed))
      }
    }
  }

  /// Executes an entry of another system's journal, under its number and with its time, and returns
  /// when it is as durable as the options ask.
  ///
  /// The other system must have begun with an equal model and the same seed, and this one must have
  /// executed all entries before it and nothing else.
  ///
  /// - Throws: `PrevalenceError`: `.gap` when it is not the next one, `.damagedEntry` when its time is
  ///   before that of the last one, `.diverged` when it throws here or leads to another state than
  ///   there.
  public func follow(_ entry: JournalEntry) throws(PrevalenceError) {
    if isReadOnly { throw .readOnly }
    var outcome = CommandOutcome(isJournaled: true)
    do throws(PrevalenceError) {
      try working.withLock { working throws(PrevalenceError) in
        try follow(entry, on: &model.value, &working, &outcome)
      }
    } catch {
      tellFailure()
      throw error
    }
    doDue(outcome)
    try settle(outcome.promise)
  }

  private func follow(
    _ entry: JournalEntry, on model: inout Model, _ working: inout WorkingState,
    _ outcome: inout CommandOutcome
  ) throws(PrevalenceError) {
    do {
      try checkUsable(working)
      try perform(entry, on: &model, &working)
      outcome.promise = working.promise(options.durability, raises: true)
      noteDue(&working, &outcome)
    } catch {
      let error = CommandJournal.error(error)
      // An entry that does something else here was undone, or the failure of that is noted; whoever
      // sent it is to be asked.
      if case .diverged = error { throw error }
      if error.isFatal { note(error, in: &working) }
      throw error
    }
  }

  private func perform(
    _ entry: JournalEntry, on model: inout Model, _ working: inout WorkingState
  ) throws {
    guard entry.number == working.number + 1 else {
      throw PrevalenceError.gap(expected: working.number + 1, found: entry.number)
    }
    guard entry.seed == seed else {
      throw PrevalenceError.invalidOptions("the other system has another seed")
    }
    guard entry.time >= working.time else { throw PrevalenceError.earlierTime(entry.number) }
    leave(shared: &working)
    var replay = loader.replay(after: working.number, time: working.time)
    let record = JournalRecord(entry)
    do throws(PrevalenceError) {
      try replay.execute(record, entry.command[...], on: &model)
    } catch {
      try rollBack(&model, &working)
      throw error
    }
    let context = CommandContext(
      number: entry.number, now: entry.time, seed: seed, isReplay: true)
    var form: [UInt8] = []
    JournalRecord.appendForm(entry.name, version: entry.version, to: &form)
    try log(
      &model, &working, context, hash: entry.stateHash, form: form, payload: entry.command)
  }
}

/// A state that a model had.
public struct PastState<Model: Sendable>: Sendable {
  /// The model.
  public let model: Model
  /// Which state it is.
  public let moment: Moment
}

/// A command in the journal.
public struct JournalEntry: Sendable, Equatable, Codable {
  /// Its number: 1, 2, … without gaps.
  public let number: UInt64
  /// Its time in milliseconds since 1970.
  public let time: UInt64
  /// What the command is called.
  public let name: String
  /// The form of its bytes.
  public let version: Int
  /// Its bytes.
  public let command: [UInt8]
  /// The hash of the state after it, if there is one.
  public let stateHash: UInt64?
  /// What random numbers in the system begin with.
  public let seed: UInt64

  init(_ record: JournalRecord, _ payload: ArraySlice<UInt8>, seed: UInt64) {
    number = record.number
    time = record.time
    name = record.text
    version = record.version
    command = Array(payload)
    stateHash = record.hash
    self.seed = seed
  }
}

extension JournalRecord {
  init(_ entry: JournalEntry) {
    number = entry.number
    time = entry.time
    hash = entry.stateHash
    name = Array(entry.name.utf8)[...]
    version = entry.version
    payload = entry.command[...]
    isElsewhere = false
    byteCount = entry.command.count
  }
}

extension ModelLoader {
  /// Throws `.outOfHistory` unless what was loaded is what was asked for.
  func check(
    _ loaded: LoadedModel<Model>, reaches point: PointInTime, in view: Snapshot
  ) throws(PrevalenceError) {
    guard case .command(let wanted) = point, loaded.number != wanted else { return }
    let oldest = try images.headers(in: view).last?.number ?? 0
    throw .outOfHistory(oldest: oldest, newest: loaded.number)
  }
}
