// SPDX-License-Identifier: Apache-2.0

/// Where the bytes of a journal stream come from when the reader pulls them: a file, a pipe.
public protocol JournalByteSource {
  /// Returns the next bytes, at most `count` of them; none at the end.
  mutating func read(upTo count: Int) throws -> [UInt8]
}

/// A journal stream read by pulling bytes from a source.
public struct JournalStream<Source: JournalByteSource> {
  private var source: Source
  private var reader: JournalReader
  private var isAtEnd = false

  /// Reads a stream that errors are to call `name`.
  public init(
    _ source: Source, name: String, staging: any TransactionStaging = MemoryStaging()
  ) {
    self.source = source
    reader = JournalReader(name: name, staging: staging)
  }

  /// Where the next frame begins.
  public var place: JournalPlace { reader.place }

  /// Returns the next event, or `nil` behind the totals of a complete stream.
  ///
  /// - Throws: `JournalError`, naming the place, or what the source throws.
  public mutating func next() throws -> JournalReader.Event? {
    while true {
      if let event = try reader.next() { return event }
      if isAtEnd {
        try reader.finish()
        return nil
      }
      let bytes = try source.read(upTo: 256 << 10)
      isAtEnd = bytes.isEmpty
      reader.feed(bytes)
    }
  }
}

/// Bytes that are in memory already, as a source.
public struct MemoryByteSource: JournalByteSource {
  private var rest: ArraySlice<UInt8>

  /// Reads from an array.
  public init(_ bytes: [UInt8]) {
    rest = bytes[...]
  }

  /// Returns the next bytes, at most `count` of them; none at the end.
  public mutating func read(upTo count: Int) -> [UInt8] {
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }
}
