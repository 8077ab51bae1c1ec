// SPDX-License-Identifier: Apache-2.0

/// A journal stream read by pulling its bytes: from a file, a pipe.
public struct JournalStream {
  private let read: (Int) throws -> [UInt8]
  private var reader: JournalReader
  private var isAtEnd = false

  /// Reads a stream.
  ///
  /// - Parameters:
  ///   - name: what errors call it.
  ///   - staging: where large transactions wait until they are complete.
  ///   - read: returns at most so many of its next bytes, none at its end.
  public init(
    name: String, staging: any TransactionStaging = MemoryStaging(),
    _ read: @escaping (Int) throws -> [UInt8]
  ) {
    self.read = read
    reader = JournalReader(name: name, staging: staging)
  }

  /// Where the next frame begins.
  public var place: JournalPlace { reader.place }

  /// Returns the next event, or `nil` behind the totals of a complete stream.
  ///
  /// - Throws: `JournalError`, naming the place, or what `read` throws.
  public mutating func next() throws -> JournalReader.Event? {
    while true {
      if let event = try reader.next() { return event }
      if isAtEnd {
        try reader.finish()
        return nil
      }
      let bytes = try read(256 << 10)
      isAtEnd = bytes.isEmpty
      reader.feed(bytes)
    }
  }
}
