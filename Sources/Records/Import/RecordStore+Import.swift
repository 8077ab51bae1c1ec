// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

extension RecordStore {
  /// Reads records from text and puts them into the store, in transactions of `batchRecords`.
  ///
  /// Each record replaces the one of its key; one that is equal is not written, so that importing
  /// the same file again makes no transaction. Of a key that is repeated the last record wins.
  ///
  /// - Parameters:
  ///   - input: The text.
  ///   - options: How it becomes records.
  ///   - progress: Called when records are safely in the store; may throw to stop.
  /// - Throws: `ImportFailure`, which says what was done: always whole transactions.
  public func importRecords(
    from input: ImportInput, _ options: ImportOptions,
    progress: (ImportProgress) throws -> Void = { _ in }
  ) throws -> ImportProgress {
    var done = ImportProgress()
    do {
      let source = try options.source(input.read)
      let repeats = RepeatedKeys(input, options)
      if options.isAtomic {
        done = try importAtOnce(source, repeats, options)
        try progress(done)
      } else {
        try importInBatches(source, repeats, options, progress) { done = $0 }
      }
      return done
    } catch {
      throw ImportFailure(input: input.name, cause: error, committed: done)
    }
  }

  private func importAtOnce(
    _ source: any RecordSource, _ repeats: RepeatedKeys, _ options: ImportOptions
  ) throws -> ImportProgress {
    var source = source
    return try write { transaction in
      var done = ImportProgress()
      var batch = PreparedBatch()
      var parsed = RecordBatch()
      var keys = KnownKeys()
      keys.begin(on: transaction.base)
      var hasMore = true
      while hasMore {
        hasMore = try batch.fill(
          from: &source, upTo: max(1, options.batchRecords), using: &parsed)
        let part = InputBatch(
          prepared: batch, firstOrdinal: done.records, inputBytes: source.consumed)
        var group = BatchGroup([part])
        var step = ImportProgress([part])
        step.written = UInt64(
          try transaction.put(&group, limit: .max, into: options.collection, &keys, repeats))
        done.add(step)
      }
      done.transactions = done.written > 0 ? 1 : 0
      return done
    }
  }

  /// Reads on this thread while another one commits what was read before.
  private func importInBatches(
    _ source: any RecordSource, _ repeats: RepeatedKeys, _ options: ImportOptions,
    _ report: (ImportProgress) throws -> Void, note: (ImportProgress) -> Void
  ) throws {
    var source = source
    let committer = BatchCommitter(self, options, repeats)
    // Whatever happens, nothing is committed any more when this returns, and all that was is told.
    defer { note(committer.stop()) }
    var parsed = RecordBatch()
    var hasMore = true
    while hasMore {
      var batch = try committer.emptyBatch()
      // Now, because the input may let wait for its next bytes.
      if let step = committer.takeProgress() { try report(step) }
      do {
        hasMore = try batch.fill(
          from: &source, upTo: max(1, options.batchRecords), using: &parsed)
      } catch {
        // What stands before the bad line is whole, and on its way.
        try committer.finish()
        throw error
      }
      if batch.recordCount > 0 { committer.submit(batch, bytes: source.consumed) }
    }
    try committer.finish()
    if let step = committer.takeProgress() { try report(step) }
  }
}

extension ImportProgress {
  /// What batches add that are written together, but for what that takes.
  init(_ batches: [InputBatch]) {
    self.init()
    records = batches.reduce(0) { $0 + UInt64($1.prepared.recordCount) }
    line = batches.last?.prepared.line ?? 0
    bytes = batches.last?.inputBytes ?? 0
  }

  /// Counts what was done next.
  mutating func add(_ step: ImportProgress) {
    records += step.records
    written += step.written
    transactions += step.transactions
    line = max(line, step.line)
    bytes = max(bytes, step.bytes)
  }
}
