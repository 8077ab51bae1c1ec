// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import Records
import Testing

/// What the tool cannot do to a store: it has but one clock.
extension Workspace {
  /// Writes a record as a store does whose clock is an hour ahead.
  func putInFuture(_ collection: String, _ key: String, store name: String) throws {
    let hour: UInt64 = 3_600_000
    let environment = Environment(
      now: { Environment.system.now() + hour }, randomBytes: Environment.system.randomBytes)
    let store = try RecordStore.open(at: path(name), environment: environment)
    _ = try store.write { transaction in
      try transaction.put(collection, .text(key), [StoredRecord.Field("x", .integer(1))])
    }
    try store.close()
  }
}
