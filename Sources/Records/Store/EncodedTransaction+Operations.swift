// SPDX-License-Identifier: Apache-2.0

public import ChangeJournal

extension EncodedTransaction {
  /// Checks that every operation is what a writer makes.
  ///
  /// - Throws: `RecordStoreError.corruptTransaction`, with the place, or `.unsupportedOperation`.
  public func checkOperations() throws {
    try forEachPart { part, bytes, range in
      try OperationCursor.check(bytes, in: range, operationCount: part.operationCount)
    }
  }

  /// Passes on each part with the place of its bytes; what is wrong with them names it.
  func forEachPart(
    _ body: (TransactionHeader.Part, Span<UInt8>, Range<Int>) throws -> Void
  ) throws {
    var start = headerByteCount
    for part in header.parts {
      let range = start..<start + part.byteCount
      start = range.upperBound
      do {
        try body(part, bytes.span, range)
      } catch let fault as ItemFault {
        throw RecordStoreError.corruptTransaction(
          dot,
          problem: "collection '\(part.collection)', byte \(fault.offset): \(fault.problem)")
      } catch let unknown as UnknownOperation {
        throw RecordStoreError.unsupportedOperation(dot, kind: unknown.kind)
      }
    }
  }
}
