// SPDX-License-Identifier: Apache-2.0

/// The members of a printed record that are no fields of it: no field may have their names.
public enum RecordMember {
  /// Where printed records have their key.
  public static let key = "_key"
  /// Where printed records of a whole store have their collection.
  public static let collection = "_collection"

  /// Whether printed records use the name for something else than a field.
  public static func isReserved(_ name: String) -> Bool { name == key || name == collection }
}
