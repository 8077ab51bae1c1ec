// SPDX-License-Identifier: Apache-2.0

/// Why an operation on a segment or its records failed.
public enum SegmentError: Error, Sendable, Equatable {
  /// No segment of that name or number.
  case segmentNotFound(String)
  /// A segment of that name exists.
  case segmentExists(String)
  /// A name is empty or longer than the limit.
  case invalidName(String, limit: Int)
  /// The segment was created by this very transaction, which can be rolled back instead.
  case createdInTransaction(SegmentID)
  /// No such record.
  case recordNotFound(RecordID)
  /// A record is longer than the limit.
  case recordTooLong(length: Int, limit: Int)
  /// Every number is taken.
  case segmentFull(SegmentID)
  /// The engine failed.
  case engine(EngineError)
}

extension SegmentError: CustomStringConvertible {
  /// One sentence for people.
  public var description: String {
    switch self {
    case .segmentNotFound(let name): "no segment \(name)"
    case .segmentExists(let name): "segment \(name) exists already"
    case .invalidName(let name, let limit): "'\(name)' has not 1 to \(limit) bytes"
    case .createdInTransaction(let segment):
      "segment \(segment.rawValue) was created by this transaction and cannot be dropped by it"
    case .recordNotFound(let record): "no record \(record)"
    case .recordTooLong(let length, let limit):
      "a record has \(length) bytes; the limit is \(limit)"
    case .segmentFull(let segment): "segment \(segment.rawValue) has no number left for a record"
    case .engine(let error): error.description
    }
  }
}
