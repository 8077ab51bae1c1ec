// SPDX-License-Identifier: Apache-2.0

/// Text that is read as records.
protocol RecordSource {
  /// Adds records to `batch` until it holds `count` or is full; returns false at the end of the
  /// input. Adds whole records only: what is in the batch is good also after an error.
  mutating func fill(_ batch: inout RecordBatch, upTo count: Int) throws -> Bool

  /// Bytes of the input read so far.
  var consumed: UInt64 { get }
}

extension ImportOptions {
  /// Starts reading records from text.
  func source(_ read: @escaping (Int) throws -> [UInt8]) throws -> any RecordSource {
    let window = try InputWindow(read, limit: lineByteLimit)
    let members = RecordMembers(keyField: keyField, collection: collection)
    switch format {
    case .jsonLines: return JSONLinesSource(window, members)
    case .json(let path): return JSONDocumentSource(window, members, path: path)
    case .csv(let delimiter, let columns):
      return CSVSource(window, members, delimiter: delimiter, columns: columns)
    }
  }
}

extension RecordFault {
  /// The error, for a record in text that begins on `line` at `column`.
  func located(
    in bytes: Span<UInt8>, from start: Int, line: UInt64, column: Int = 1
  ) -> any Error {
    switch self {
    case .json(let fault):
      fault.located(in: bytes, from: start, firstLine: Int(clamping: line), firstColumn: column)
    case .key(let problem): ImportError(problem: .key(problem), line: line)
    case .other(let problem): ImportError(problem: problem, line: line)
    }
  }
}
