// SPDX-License-Identifier: Apache-2.0

/// Why a measurement counts for nothing.
public struct WorkloadError: Error, CustomStringConvertible {
  /// What went wrong, and in which row.
  public let description: String

  /// An error that says `description`.
  public init(_ description: String) {
    self.description = description
  }

  /// Throws unless what was read is what was written.
  public static func expect(_ read: Checksum, _ written: Checksum, _ row: Row) throws {
    guard read == written else {
      throw WorkloadError("\(row.rawValue) read \(read) instead of \(written)")
    }
  }
}
