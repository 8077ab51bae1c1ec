// SPDX-License-Identifier: Apache-2.0

/// Reads a journal stream: bytes in, whole verified transactions out.
///
/// Feed bytes as they come, and after each feeding take events until there is none. When the
/// bytes end, `finish()` tells whether the stream was complete. Besides what was fed and not yet
/// taken the reader holds at most one frame, and one large transaction in its staging place.
///
/// Every frame is verified before anything of it is returned: lengths, both checksums, its place
/// in the stream, and of each transaction the header and the digests of its parts. What is
/// returned may be used even if the stream turns out to be damaged or cut short further on: the
/// totals frame only tells that nothing is missing. Whether a transaction continues the chain of
/// its origin is for those to check who know the chain: `ChainVerifier`, `Journal`.
///
/// An error is final: every later call throws it again.
public struct JournalReader {
  /// What a stream is made of.
  public enum Event: Sendable {
    /// The beginning; always the first event.
    case header(JournalStreamHeader)
    /// Whole transactions in the order of the stream, and where their frame (or the commit of a
    /// large one) lies.
    case transactions([EncodedTransaction], at: JournalPlace)
    /// The end; always the last event.
    case totals(JournalTotals)
  }

  private let name: String
  private let staging: any TransactionStaging
  private var input: [UInt8] = []
  private var start = 0
  /// Offset in the stream of `input[start]`.
  private var offset: UInt64 = 0
  private var frame: FrameHeader?
  private var decoder: FrameDecoder
  private var failure: JournalError?

  /// Reads a stream that errors are to call `name`.
  public init(name: String, staging: any TransactionStaging = MemoryStaging()) {
    self.name = name
    self.staging = staging
    decoder = FrameDecoder(staging: staging)
  }

  /// Where the next frame begins.
  public var place: JournalPlace {
    JournalPlace(stream: name, offset: offset, frame: decoder.tally.frameCount)
  }

  /// Whether the totals frame was read and verified.
  public var isComplete: Bool { decoder.isComplete }

  /// Adds bytes to be read.
  public mutating func feed(_ bytes: [UInt8]) {
    if start == input.count {
      input = bytes
      start = 0
    } else {
      dropConsumed()
      input += bytes
    }
  }

  /// Adds bytes to be read.
  public mutating func feed(_ bytes: ArraySlice<UInt8>) {
    if start == input.count {
      input = []
      start = 0
    }
    dropConsumed()
    input += bytes
  }

  private mutating func dropConsumed() {
    guard start > 0 else { return }
    input.removeFirst(start)
    start = 0
  }

  /// Returns what the next frame holds, or `nil` when more bytes are needed or the stream is
  /// complete.
  ///
  /// - Throws: `JournalError`, naming the place.
  public mutating func next() throws(JournalError) -> Event? {
    if let failure { throw failure }
    do {
      while let frame = try nextFrame() {
        if let event = frame { return event }
      }
      return nil
    } catch {
      staging.discard()
      failure = error
      throw error
    }
  }

  /// Ends the reading: there are no more bytes.
  ///
  /// - Throws: `.truncated` unless the stream was complete, or the error that was thrown before.
  public mutating func finish() throws(JournalError) {
    if let failure { throw failure }
    guard isComplete, start == input.count else {
      staging.discard()
      let error = incompleteError
      failure = error
      throw error
    }
  }

  /// Reads a frame: `nil` when it is not complete, `.some(nil)` when it has no event.
  private mutating func nextFrame() throws(JournalError) -> Event?? {
    guard start < input.count else { return nil }
    guard !isComplete else {
      throw .corrupt(place, problem: "bytes follow the totals frame")
    }
    guard let header = try nextHeader() else { return nil }
    let length = FrameLayout.headerBytes + Int(header.storedLength)
    guard input.count - start >= length else { return nil }
    let event = try decoder.decode(header, input[start..<start + length], at: place)
    frame = nil
    start += length
    offset += UInt64(length)
    return .some(event)
  }

  /// Reads the header of the next frame once, as soon as it is complete.
  private mutating func nextHeader() throws(JournalError) -> FrameHeader? {
    if let frame { return frame }
    guard input.count - start >= FrameLayout.headerBytes else { return nil }
    let header: FrameHeader
    do throws(FrameHeader.Problem) {
      header = try FrameHeader(decoding: input[start..<start + FrameLayout.headerBytes])
    } catch {
      throw error.journalError(at: place)
    }
    try decoder.checkOrder(header, at: place)
    frame = header
    return header
  }

  /// What an end of the bytes at this point means.
  private var incompleteError: JournalError {
    let rest = input[start...].prefix(FrameLayout.magic.count)
    let isOurs = rest.elementsEqual(FrameLayout.magic.prefix(rest.count))
    return isOurs || decoder.tally.frameCount > 0 ? .truncated(place) : .notAJournal(place)
  }
}

extension FrameHeader.Problem {
  /// The same, with its place.
  func journalError(at place: JournalPlace) -> JournalError {
    switch self {
    case .checksum: .corrupt(place, problem: "the frame header does not match its checksum")
    case .magic where place.offset == 0: .notAJournal(place)
    case .magic: .corrupt(place, problem: "no frame begins here")
    case .version(let found):
      found > FrameLayout.version
        ? .unsupportedVersion(
          place, found: UInt64(found), supported: UInt64(FrameLayout.version))
        : .corrupt(place, problem: "format version \(found)")
    case .length(let what, let length, let limit):
      .limitExceeded(place, what: what, length: length, limit: limit)
    case .malformed(let what): .corrupt(place, problem: "unknown or impossible \(what)")
    }
  }
}
