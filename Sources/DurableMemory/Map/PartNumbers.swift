// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization

/// Numbers the parts of entries of a map.
///
/// A number that an open transaction has got is in no tree yet, and the transaction may outlive the
/// map's closing; so whoever opens the map again goes on counting where the one before stopped.
final class PartNumbers: Sendable {
  /// No map counts as far as this; what is stored with such a number is damaged.
  static let limit: UInt64 = 1 << 62

  private let next = Atomic<UInt64>(1)

  /// A number that was never given before.
  func take() -> UInt64 { next.wrappingAdd(1, ordering: .relaxed).oldValue }

  /// Gives only numbers above one that is stored, which is below the limit.
  func skip(_ stored: UInt64) {
    next.max(stored + 1, ordering: .relaxed)
  }
}

extension PartNumbers {
  private struct Place: Hashable {
    let database: ObjectIdentifier
    let tree: TreeID
  }

  private struct Known {
    weak var database: Database?
    let numbers: PartNumbers
  }

  /// Those of all maps that were opened, as long as their databases live.
  private static let known = LockedState<[Place: Known]>([:])

  /// The numbers of a map.
  static func of(_ tree: TreeID, in database: Database) -> PartNumbers {
    let place = Place(database: ObjectIdentifier(database), tree: tree)
    return known.withLock { known in
      known = known.filter { $0.value.database != nil }
      if let found = known[place] { return found.numbers }
      let numbers = PartNumbers()
      known[place] = Known(database: database, numbers: numbers)
      return numbers
    }
  }
}
