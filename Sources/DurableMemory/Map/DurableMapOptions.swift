// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// How a durable map is opened.
public struct DurableMapOptions: Sendable {
  /// What a change waits for unless told otherwise.
  public var durability: Durability = .synced
  /// How long an entry lives that is set without a time of its own; `nil` for ever.
  public var timeToLive: Duration?
  /// The time in milliseconds since 1970, for entries that expire.
  public var clock: @Sendable () -> UInt64 = Configuration().clock
  /// A number that spreads the keys over the memory; another for each opening, so that nobody can
  /// choose keys that lie in one place.
  public var seed: UInt64 = .random(in: .min ... .max)
  /// Whether entries of the map whose types the store does not know any more, because that was lost by
  /// damage, are taken for such as are asked for, and these recorded.
  ///
  /// Otherwise opening it throws `.damaged`.
  public var adoptsEntries = false

  /// The defaults.
  public init() {}
}
