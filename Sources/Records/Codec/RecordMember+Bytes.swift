// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// The names as bytes, and what printed records begin with, for those who read and write text.
extension RecordMember {
  static let keyBytes = Array(key.utf8)
  static let collectionBytes = Array(collection.utf8)

  /// What a printed record begins with, up to its key.
  static let objectHead = Array("{\"\(key)\":".utf8)
  /// What follows, up to the name of the collection.
  static let collectionHead = Array(",\"\(collection)\":".utf8)
}
