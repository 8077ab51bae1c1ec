// SPDX-License-Identifier: Apache-2.0

/// Where the fragments of a transaction that is too long for one batch wait until it is complete.
///
/// A reader stages one transaction at a time: `begin`, `append` for each fragment, then `take` or
/// `discard`. An implementation that keeps the bytes in a temporary file can accept more than one
/// that keeps them in memory.
public protocol TransactionStaging: AnyObject {
  /// Most bytes of a transaction that are accepted.
  var byteLimit: Int { get }

  /// Prepares for a transaction that is said to have `byteCount` bytes, at most `byteLimit`. The
  /// number comes from outside: nothing should be allocated on its word.
  func begin(byteCount: Int) throws

  /// Adds the next bytes.
  func append(_ bytes: [UInt8]) throws

  /// Returns all bytes and forgets them.
  func take() throws -> [UInt8]

  /// Forgets all bytes.
  func discard()
}

/// Stages transactions in memory.
public final class MemoryStaging: TransactionStaging {
  /// Most bytes of a transaction that are accepted.
  public let byteLimit: Int
  private var bytes: [UInt8] = []

  /// Accepts transactions of at most `byteLimit` bytes; 256 MiB unless told otherwise.
  public init(byteLimit: Int = 256 << 20) {
    self.byteLimit = byteLimit
  }

  /// Prepares for a transaction.
  public func begin(byteCount: Int) {
    bytes = []
  }

  /// Adds the next bytes.
  public func append(_ bytes: [UInt8]) {
    self.bytes += bytes
  }

  /// Returns all bytes and forgets them.
  public func take() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  /// Forgets all bytes.
  public func discard() {
    bytes = []
  }
}
