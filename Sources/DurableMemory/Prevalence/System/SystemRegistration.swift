// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization

/// The right to be the one system of a name in a database of this process.
final class SystemRegistration: Sendable {
  private struct Key: Hashable {
    let database: ObjectIdentifier
    /// Its bytes: texts that Unicode calls equivalent name two systems.
    let name: [UInt8]
  }

  private static let open = LockedState<Set<Key>>([])

  private let key: Key
  private let isHeld = Atomic<Bool>(true)

  /// Throws `.alreadyOpen`.
  init(_ name: String, in database: Database) throws(PrevalenceError) {
    key = Key(database: ObjectIdentifier(database), name: Array(name.utf8))
    let isNew = Self.open.withLock { [key] in $0.insert(key).inserted }
    guard isNew else { throw .alreadyOpen(name: name) }
  }

  deinit { end() }

  func end() {
    guard isHeld.exchange(false, ordering: .acquiringAndReleasing) else { return }
    Self.open.withLock { [key] in _ = $0.remove(key) }
  }
}
