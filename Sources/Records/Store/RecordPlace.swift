// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// How messages name a record.
enum RecordPlace {
  /// The collection and, as far as its bytes are one, the key.
  static func name(_ collection: String, _ key: [UInt8]) -> String {
    let text = (try? RecordKey(orderedBytes: key)).map(\.description) ?? "(no key)"
    return "\(collection)/\(text)"
  }
}

extension RecordStoreError {
  /// What is stored for a record, whose key is given in its ordered bytes, is not what was written.
  static func corruptRecord(
    _ collection: String, _ key: [UInt8], _ fault: ItemFault
  ) -> RecordStoreError {
    .corruptStore(
      place: "record \(RecordPlace.name(collection, key))",
      problem: "\(fault.problem) at byte \(fault.offset)")
  }
}
