// SPDX-License-Identifier: Apache-2.0

/// Why a sync failed.
///
/// Whatever was applied before stays applied: the next sync goes on from there.
public struct SyncError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure; the raw value is its name between peers.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// The peer cannot be reached, or the connection broke.
    case unreachable
    /// The peer did not answer in time.
    case timeout
    /// A token is missing or wrong.
    case unauthorized
    /// The peer or we refuse to talk: certificate, `Host`, `Origin`.
    case refused
    /// Two stores with transactions and different identities.
    case storeMismatch = "store-mismatch"
    /// One origin wrote two histories: a file was copied and both copies were written to.
    case fork
    /// A store has lost transactions it once had: an older copy of its file was put back.
    case rollback
    /// Bytes are not what was sent, or say what cannot be.
    case corrupt
    /// No protocol version is spoken by both sides.
    case incompatible
    /// A clock is so wrong that no timestamp can be made.
    case clock
    /// The peer has too much to do.
    ///
    /// Try again.
    case busy
    /// A request is longer than the peer accepts.
    case tooLarge = "too-large"
    /// The peer does not know what was asked for.
    case notFound = "not-found"
    /// Our own store failed; `cause` says how.
    case store
    /// The peer's store failed.
    case failed
  }

  /// What kind of failure.
  public let code: Code
  /// One sentence for people.
  public let message: String
  /// What our store threw, where that is the reason.
  public let cause: (any Error)?
  /// Seconds the peer asks us to wait before another try.
  public let retryAfter: UInt32?

  /// Creates an error.
  public init(
    _ code: Code, _ message: String, cause: (any Error)? = nil, retryAfter: UInt32? = nil
  ) {
    self.code = code
    self.message = message
    self.cause = cause
    self.retryAfter = retryAfter
  }

  /// The sentence.
  public var description: String { message }
}

extension SyncError {
  /// The peer cannot be reached, or the connection broke.
  public static func unreachable(_ message: String) -> Self { Self(.unreachable, message) }
  /// The peer did not answer in time.
  public static func timeout(_ message: String) -> Self { Self(.timeout, message) }
  /// A token is missing or wrong.
  public static func unauthorized(_ message: String) -> Self { Self(.unauthorized, message) }
  /// One side refuses to talk to the other.
  public static func refused(_ message: String) -> Self { Self(.refused, message) }
  /// Bytes are not what was sent, or say what cannot be.
  public static func corrupt(_ message: String) -> Self { Self(.corrupt, message) }
  /// The peer has too much to do.
  public static func busy(_ message: String, retryAfter: UInt32) -> Self {
    Self(.busy, message, retryAfter: retryAfter)
  }
}
