// SPDX-License-Identifier: Apache-2.0

extension Array where Element == UInt8 {
  /// Appends part of a span.
  ///
  /// In one piece: an `OutputSpan` takes bytes only one by one, on which an import spent a tenth of
  /// its time. The pointer does not leave the closure, and the range is checked by the span.
  @inline(__always)
  mutating func append(_ source: Span<UInt8>, _ range: Range<Int>) {
    unsafe source.extracting(range).withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }
}
