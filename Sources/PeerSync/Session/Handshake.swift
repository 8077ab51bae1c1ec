// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

/// The checks both sides make before any transaction is exchanged.
///
/// An origin's transactions form one chain of hashes, so two replicas that know the same sequence
/// of an origin with different hashes have met a *fork*: a file was copied and both copies were
/// written to. And nobody can know more of an origin than the replica that writes under this name:
/// if someone does, that replica was *rolled back* to an older copy of its file. Both are reported
/// at the first handshake, before anything is overwritten or hidden.
enum Handshake {
  /// Finds a fork between what is applied here and what the peer says.
  static func checkForFork(mine: ReplicaFacts, peer: Hello) throws(SyncError) {
    for head in peer.heads {
      guard let hash = mine.hashes[head.dot], hash != head.hash else { continue }
      throw SyncError(
        .fork,
        """
        two histories were written under one name: transaction \(head.dot) is \(hash) in \
        \(mine.hello.origin.replica) and \(head.hash) in \(peer.origin.replica)
        """)
    }
  }

  /// Finds out whether `writer` lacks transactions of its own that `witness` has.
  ///
  /// `witness` must have been asked before `writer`, else what `writer` wrote in between would
  /// look like a rollback.
  static func checkForRollback(of writer: Hello, witness: Hello) throws(SyncError) {
    let known = witness.received[writer.origin]
    let own = writer.received[writer.origin]
    guard known > own else { return }
    throw SyncError(
      .rollback,
      """
      replica \(writer.origin.replica) has \(own) transactions of its own, and \
      \(witness.origin.replica) has \(known) of them: an older copy of its file was put back
      """)
  }

  /// The version both speak.
  static func agreeOnVersion(_ one: Hello, _ two: Hello) throws(SyncError) -> UInt64 {
    guard one.versions.overlaps(two.versions) else {
      throw SyncError(
        .incompatible,
        """
        the peer speaks protocol versions \(two.versions.lowerBound) to \
        \(two.versions.upperBound), this program \(one.versions.lowerBound) to \
        \(one.versions.upperBound)
        """)
    }
    return min(one.versions.upperBound, two.versions.upperBound)
  }

  /// Decides which data set both are replicas of.
  ///
  /// A store without transactions takes the identity of the other; of two such the one that began
  /// takes it. Two stores with transactions must agree, unless told to adopt.
  static func plan(
    mine: Hello, peer: Hello, options: SyncOptions, clockOffset: Int64
  ) throws(SyncError) -> SyncPlan {
    let differs = mine.storeID != peer.storeID
    let peerAdopts = differs && peer.isEmpty && !mine.isEmpty
    guard !differs || mine.isEmpty || peer.isEmpty || options.adopt else {
      throw SyncError(
        .storeMismatch,
        """
        the peer is a replica of \(peer.storeID), this store of \(mine.storeID), and both have \
        transactions
        """)
    }
    let pulls = options.direction != .push
    let pushes = options.direction != .pull
    return SyncPlan(
      peer: peer.origin,
      storeID: peerAdopts ? mine.storeID : peer.storeID,
      adoptsPeer: differs && !peerAdopts && (pulls || !mine.isEmpty),
      peerAdopts: peerAdopts && pushes,
      toPull: pulls ? missing(in: mine.received, from: peer.applied) : 0,
      toPush: pushes ? missing(in: peer.received, from: mine.applied) : 0,
      clockOffset: clockOffset)
  }

  /// How many transactions `vector` includes and `other` does not.
  static func missing(in other: VersionVector, from vector: VersionVector) -> UInt64 {
    vector.entries.reduce(0) { sum, entry in
      let known = other[entry.origin]
      guard entry.sequence > known else { return sum }
      let (total, overflow) = sum.addingReportingOverflow(entry.sequence - known)
      return overflow ? .max : total
    }
  }
}
