// SPDX-License-Identifier: Apache-2.0

/// Names a collection of records inside one database.
///
/// Never that of another segment that was committed or prepared; while the store is open, of no other
/// at all.
public struct SegmentID: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The number of its tree.
  public let rawValue: UInt32

  /// Wraps a number.
  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// Orders by number.
  public static func < (left: SegmentID, right: SegmentID) -> Bool {
    left.rawValue < right.rawValue
  }

  var tree: TreeID { TreeID(rawValue: rawValue) }
}

/// Names a record for as long as the store lives.
///
/// Never given to another record that was committed or prepared; while the store is open, to no other
/// at all. One whose transaction came to nothing may be given again after the next opening.
///
/// It says in which segment the record is, so that it leads to no other segment's. As text it has
/// 20 letters and digits, which order like the identifiers.
public struct RecordID: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The segment.
  public let segment: SegmentID
  /// The number within the segment, from 1.
  public let number: UInt64

  /// Joins a segment and a number.
  public init(segment: SegmentID, number: UInt64) {
    self.segment = segment
    self.number = number
  }

  /// Orders by segment, then number.
  public static func < (left: RecordID, right: RecordID) -> Bool {
    left.segment != right.segment ? left.segment < right.segment : left.number < right.number
  }
}

extension RecordID: LosslessStringConvertible {
  /// The digits of base 32 that keep the order and cannot be mistaken for one another.
  private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
  private static let segmentDigits = 7
  private static let numberDigits = 13

  /// 7 digits for the segment and 13 for the number.
  public var description: String {
    let text =
      Self.text(UInt64(segment.rawValue), Self.segmentDigits)
      + Self.text(number, Self.numberDigits)
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads the text of an identifier; `nil` for anything else.
  public init?(_ description: String) {
    let bytes = Array(description.utf8)
    guard bytes.count == Self.segmentDigits + Self.numberDigits,
      let segment = Self.number(bytes[..<Self.segmentDigits]),
      let rawSegment = UInt32(exactly: segment),
      let number = Self.number(bytes[Self.segmentDigits...])
    else { return nil }
    self.init(segment: SegmentID(rawValue: rawSegment), number: number)
  }

  private static func text(_ number: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).reversed().map { digits[Int(number >> UInt64(5 * $0) & 31)] }
  }

  /// The number that digits mean; `nil` for others than digits and for more than 64 bits.
  private static func number(_ text: ArraySlice<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for byte in text {
      guard let digit = digits.firstIndex(of: byte), number >> 59 == 0 else { return nil }
      number = number << 5 | UInt64(digit)
    }
    return number
  }
}
