// SPDX-License-Identifier: Apache-2.0

/// What owns the entries of a tree that live in memory.
package protocol ResidentContents: AnyObject, Sendable {
  /// Begins a time in which nobody else changes the tree.
  ///
  /// Called around a transaction that changes it among other things, so that whoever decides by what
  /// is in memory what to change has to hold this meanwhile. Several trees are locked in the order of
  /// their numbers. Must not call the database. Whoever holds this must not write, attach, detach,
  /// compact, make a named or a whole snapshot or close: these may wait for it. Only who attaches a
  /// tree holds this for it already, which is allowed since nobody else knows the owner yet.
  func lockChanges()

  /// Whether the calling thread holds what `lockChanges` takes.
  var isLockedHere: Bool { get }

  /// Ends that time.
  func unlockChanges()

  /// Takes over a change of such a transaction, which was just logged; without a value the key is
  /// removed.
  ///
  /// Called under the lock that orders all commits: must be quick and must not call the database.
  func apply(_ key: Span<UInt8>, _ value: Span<UInt8>?)
}

extension ResidentContents {
  /// Of an owner under whose lock nobody calls the database.
  package var isLockedHere: Bool { false }
}
