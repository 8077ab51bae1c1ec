// SPDX-License-Identifier: Apache-2.0

extension ImportOptions {
  /// Reads all records of an input without a store, to find out whether they could be imported.
  ///
  /// - Throws: `ImportFailure` for the first record that could not be.
  public func check(_ input: ImportInput) throws -> ImportProgress {
    var found = ImportProgress()
    do {
      var source = try source(input.read)
      var batch = PreparedBatch()
      var parsed = RecordBatch()
      var hasMore = true
      while hasMore {
        hasMore = try batch.fill(from: &source, upTo: max(1, batchRecords), using: &parsed)
        let part = InputBatch(
          prepared: batch, firstOrdinal: found.records, inputBytes: source.consumed)
        found.add(ImportProgress([part]))
      }
      return found
    } catch {
      throw ImportFailure(input: input.name, cause: error, committed: ImportProgress())
    }
  }
}
