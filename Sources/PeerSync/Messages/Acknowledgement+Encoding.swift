// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

// An acknowledgement is one array of three: applied, received, held.

extension Acknowledgement {
  /// The most bytes an acknowledgement may have.
  public static let maximumBytes = 2 << 20

  /// The canonical bytes.
  ///
  /// - Throws: `CodingError` beyond `JournalLimits`.
  public func encoded() throws(CodingError) -> [UInt8] {
    var writer = CBORWriter(capacity: 32 + (applied.count + received.count) * 35)
    writer.write(arrayCount: 3)
    try writer.write(applied)
    try writer.write(received)
    writer.write(unsigned: held)
    return writer.take()
  }

  /// Reads canonical bytes.
  ///
  /// - Throws: `CodingError` unless they are one acknowledgement within the limits.
  public init(decoding bytes: [UInt8]) throws(CodingError) {
    guard bytes.count <= Self.maximumBytes else {
      throw CodingError(
        offset: 0,
        problem: .tooLong(
          "bytes of an acknowledgement", length: bytes.count, limit: Self.maximumBytes))
    }
    var reader = CBORReader(bytes)
    guard try reader.readArrayCount() == 3 else {
      throw reader.failure(.malformed("acknowledgement"))
    }
    self.init(
      applied: try reader.readVersionVector(), received: try reader.readVersionVector(),
      held: try reader.readUnsigned())
    try reader.finish()
    guard received.dominates(applied) else {
      throw CodingError(offset: 0, problem: .malformed("received, which lacks what is applied"))
    }
  }
}
