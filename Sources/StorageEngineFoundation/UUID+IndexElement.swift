// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
public import StorageEngine

/// A UUID as key or value of an index: the same bytes as a `UUIDElement`, ordered byte by byte.
extension UUID: IndexElement {
  /// `.uuid`.
  public static var indexType: IndexType { UUIDElement.indexType }

  /// Appends the sixteen bytes.
  public func encode(into bytes: inout [UInt8]) {
    UUIDElement(self).encode(into: &bytes)
  }

  /// Reads a value.
  public init(decoding decoder: inout IndexDecoder) throws(IndexDecoder.Malformed) {
    self.init(try UUIDElement(decoding: &decoder))
  }

  /// The UUID of the same bytes.
  public init(_ element: UUIDElement) {
    let number = element.rawValue
    func byte(_ place: Int) -> UInt8 { UInt8(truncatingIfNeeded: number >> (120 - 8 * place)) }
    self.init(
      uuid: (
        byte(0), byte(1), byte(2), byte(3), byte(4), byte(5), byte(6), byte(7), byte(8), byte(9),
        byte(10), byte(11), byte(12), byte(13), byte(14), byte(15)
      ))
  }
}

extension UUIDElement {
  /// The sixteen bytes of a UUID.
  public init(_ uuid: UUID) {
    let (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) = uuid.uuid
    let bytes = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    self.init(rawValue: bytes.reduce(0) { $0 << 8 | UInt128($1) })
  }
}
