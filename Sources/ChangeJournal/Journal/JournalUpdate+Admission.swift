// SPDX-License-Identifier: Apache-2.0

extension JournalUpdate {
  /// Takes in a transaction that comes from elsewhere: into the journal when it is the next of its
  /// origin and everything it depends on is applied; among the held when it is too far in the
  /// future, or follows or depends on one that is held.
  ///
  /// - Throws: `.gap` or `.waiting` when something before it was never received; `.fork` when
  ///   another transaction is known in its place; `.acausal` when its timestamp is not above those
  ///   of all it depends on; `.tagCollision`; `.engine`; `.corrupt` for damage of this journal.
  ///   Nothing is changed then.
  public mutating func admit(
    _ offered: EncodedTransaction, _ policy: AdmissionPolicy
  ) throws(JournalError) -> Admission {
    let head = heads.head(of: offered.header.origin)
    guard offered.header.sequence > head.sequence else {
      try view.checkKnown(offered, head)
      return .known
    }
    if let reason = try view.holdReason(of: offered, policy) {
      try hold(offered)
      return .held(reason)
    }
    try add(offered)
    return .admitted
  }

  /// Takes one held transaction into the journal that may be applied now, and returns it; its
  /// effects are to be applied in the same write transaction.
  ///
  /// Returns `nil` when there is none.
  ///
  /// To be called again and again: each release may make another possible.
  ///
  /// - Throws: `.engine`, `.corrupt`.
  public mutating func releaseNext(
    _ policy: AdmissionPolicy
  ) throws(JournalError) -> EncodedTransaction? {
    guard hasHeld else { return nil }
    var held = HeldCursor(journal: journal, reader: transaction)
    while let first = try held.next() {
      held.skipOrigin()
      if try view.holdReason(ofHeld: first, policy) == nil {
        try add(first)
        return first
      }
    }
    return nil
  }
}
