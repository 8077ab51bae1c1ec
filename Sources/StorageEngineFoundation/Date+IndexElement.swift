// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
public import StorageEngine

/// A moment as key or value of an index: the same bytes as a `DateElement`, exact to the bit, the
/// earlier first.
///
/// The reference date itself has two keys, as its number of seconds is 0.0 or −0.0, though both are
/// equal; see `IndexElement`.
extension Date: IndexElement {
  /// `.date`.
  public static var indexType: IndexType { DateElement.indexType }

  /// Appends the bytes of the seconds since the reference date.
  public func encode(into bytes: inout [UInt8]) {
    DateElement(self).encode(into: &bytes)
  }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    self.init(try DateElement(decoding: &decoder))
  }

  /// The same moment.
  public init(_ element: DateElement) {
    self.init(timeIntervalSinceReferenceDate: element.secondsSinceReferenceDate)
  }
}

extension DateElement {
  /// The same moment.
  public init(_ date: Date) {
    self.init(secondsSinceReferenceDate: date.timeIntervalSinceReferenceDate)
  }
}
