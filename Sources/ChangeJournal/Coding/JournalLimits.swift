// SPDX-License-Identifier: Apache-2.0

/// The bounds that every encoder keeps and every decoder enforces before it allocates.
public enum JournalLimits {
  /// Levels of arrays and maps inside one value.
  ///
  /// Inlinable, as it is asked for each array and map that is read.
  @inlinable public static var valueDepth: Int { 128 }
  /// Levels of arrays and maps inside one field that a record store takes: one less, because a
  /// printed record is an object around its fields.
  @inlinable public static var fieldDepth: Int { valueDepth - 1 }
  /// Bytes of a text key.
  public static let keyBytes = 900
  /// Bytes of a collection's name; at least 1.
  public static let collectionNameBytes = 200
  /// Bytes of a field's name; may be 0.
  public static let fieldNameBytes = 4096
  /// Origins in a version vector.
  public static let vectorEntries = 16_384
  /// Collections in one transaction.
  public static let transactionParts = 4096
  /// Bytes of a transaction's header.
  public static let headerBytes = 2 << 20
  /// Canonical bytes of one transaction.
  public static let transactionBytes = 1 << 30
  /// The last sequence an origin can reach.
  public static let sequence: UInt64 = 1 << 62
}
