// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// Everything the change journal can refuse or fail with.
public enum JournalError: Error, Sendable, Equatable {
  /// Bytes are not what a writer wrote there.
  case corrupt(JournalPlace, problem: String)
  /// The bytes are intact as far as can be told, but no journal.
  case notAJournal(JournalPlace)
  /// Written by a later format than this program knows.
  case unsupportedVersion(JournalPlace, found: UInt64, supported: UInt64)
  /// An operation of a kind that this program does not know.
  case unsupportedOperation(JournalPlace, kind: UInt64)
  /// The stream ends before its totals frame.
  case truncated(JournalPlace)
  /// A length is beyond what this program accepts.
  case limitExceeded(JournalPlace, what: String, length: UInt64, limit: UInt64)
  /// Something cannot be encoded as a transaction.
  case invalidTransaction(CodingError)
  /// The staging place of a large transaction failed.
  case staging(JournalPlace, problem: String)
  /// The transaction is not the next of its origin.
  case gap(Dot, expected: UInt64)
  /// Another transaction of the same origin and sequence is known, or the chain before it differs.
  case fork(Dot, known: Hash256, offered: Hash256)
  /// A transaction that this one depends on is not applied yet.
  case waiting(Dot, for: Dot)
  /// The timestamp of a transaction is not above that of another it follows or depends on.
  case acausal(Dot, notAfter: Dot)
  /// Two origins have the same tag.
  case tagCollision(Origin, Origin)
  /// The writer of a stream was finished already.
  case finished
  /// The clock has no later timestamp to give.
  case clockExhausted
  /// The engine refused or failed.
  case engine(EngineError)
}

/// Where in a journal stream, file or tree.
public struct JournalPlace: Sendable, Hashable {
  /// The file, the peer, or another name of the stream.
  public let stream: String
  /// Byte offset from the beginning of the stream.
  public let offset: UInt64
  /// Number of the frame, from 0; `nil` outside frames.
  public let frame: UInt64?

  /// Names a place.
  public init(stream: String, offset: UInt64, frame: UInt64? = nil) {
    self.stream = stream
    self.offset = offset
    self.frame = frame
  }
}

extension JournalPlace: CustomStringConvertible {
  /// The stream, the byte, and the frame.
  public var description: String {
    "\(stream), byte \(offset)" + (frame.map { " (frame \($0))" } ?? "")
  }
}

extension JournalError: CustomStringConvertible {
  /// One sentence for people.
  public var description: String {
    switch self {
    case .corrupt(let place, let problem): "\(place): \(problem)"
    case .notAJournal(let place): "\(place): this is not a change journal"
    case .unsupportedVersion(let place, let found, let supported):
      "\(place): format version \(found) is later than the \(supported) this program knows"
    case .unsupportedOperation(let place, let kind):
      "\(place): operation kind \(kind) is unknown to this version"
    case .truncated(let place): "\(place): the journal ends before its totals frame"
    case .limitExceeded(let place, let what, let length, let limit):
      "\(place): \(what) of \(length), at most \(limit) is accepted"
    case .invalidTransaction(let error): "the transaction cannot be written: \(error.problem)"
    case .staging(let place, let problem): "\(place): cannot stage a transaction: \(problem)"
    case .gap(let dot, let expected): "transaction \(dot) came where \(expected) is next"
    case .fork(let dot, let known, let offered):
      "transaction \(dot) exists twice, as \(known) and as \(offered)"
    case .waiting(let dot, let missing): "transaction \(dot) waits for \(missing)"
    case .acausal(let dot, let earlier):
      "transaction \(dot) has a timestamp that is not after that of \(earlier), which it follows"
    case .tagCollision(let one, let two): "origins \(one) and \(two) have the same tag"
    case .finished: "the stream is finished already"
    case .clockExhausted: "the clock has no later time to give"
    case .engine(let error): error.description
    }
  }
}
