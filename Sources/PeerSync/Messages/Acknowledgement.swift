// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

/// What a replica says after it has taken transactions and made them durable.
public struct Acknowledgement: Hashable, Sendable {
  /// Everything it has applied now.
  public var applied: VersionVector
  /// Everything it has applied or holds now.
  public var received: VersionVector
  /// How many transactions it holds back now.
  public var held: UInt64

  /// Creates an acknowledgement.
  public init(applied: VersionVector, received: VersionVector, held: UInt64) {
    self.applied = applied
    self.received = received
    self.held = held
  }
}
