// SPDX-License-Identifier: Apache-2.0

/// How text becomes records.
public struct ImportOptions: Sendable {
  /// How the input is written.
  public enum Format: Sendable, Equatable {
    /// One JSON object a line.
    case jsonLines
    /// One JSON document; `path` leads through its objects to an array of objects.
    case json(path: [String])
    /// Comma-separated values or the like, with a header line unless `columns` names the columns.
    case csv(delimiter: UInt8, columns: [String]?)
  }

  /// How the input is written.
  public var format: Format
  /// Where the records go; `nil` when each names its collection in `_collection`.
  public var collection: String?
  /// The field the key is taken from, which stays a field; `nil` for `_key`, which is none.
  public var keyField: String?
  /// Records in one transaction.
  public var batchRecords = 10_000
  /// Whether all records go into one transaction.
  public var isAtomic = false
  /// Most bytes of one line, row or array element.
  public var lineByteLimit = 64 << 20

  /// Options for one format and collection.
  public init(_ format: Format, collection: String?, keyField: String? = nil) {
    self.format = format
    self.collection = collection
    self.keyField = keyField
  }
}

/// Text to import.
public struct ImportInput {
  /// What messages call it.
  public let name: String
  let read: (Int) throws -> [UInt8]
  let reopen: (@Sendable () throws -> (Int) throws -> [UInt8])?

  /// An input read by calling `read` for at most so many bytes at a time, until it returns none.
  ///
  /// - Parameters:
  ///   - name: What messages call it.
  ///   - read: Returns the next bytes.
  ///   - reopen: Starts reading the same input from its beginning once more, if it can be. Needed
  ///     so that of a key that is repeated in the input only the last record is written; else all
  ///     of them are, one after the other. May be called on any thread.
  public init(
    name: String, read: @escaping (Int) throws -> [UInt8],
    reopen: (@Sendable () throws -> (Int) throws -> [UInt8])? = nil
  ) {
    self.name = name
    self.read = read
    self.reopen = reopen
  }

  /// An input that is in memory.
  public init(name: String, bytes: [UInt8]) {
    self.init(name: name, read: Self.reader(of: bytes), reopen: { Self.reader(of: bytes) })
  }

  private static func reader(of bytes: [UInt8]) -> (Int) throws -> [UInt8] {
    var rest = bytes[...]
    return { count in
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
  }
}

/// How far an import is, or how far it came.
public struct ImportProgress: Sendable, Equatable {
  /// Records read and safely in the store.
  public internal(set) var records: UInt64 = 0
  /// How many of these differed from what was there, so that they were written.
  public internal(set) var written: UInt64 = 0
  /// Transactions written.
  public internal(set) var transactions: UInt64 = 0
  /// The line on which the last of these records begins; 0 before the first.
  public internal(set) var line: UInt64 = 0
  /// Bytes of the input up to there.
  public internal(set) var bytes: UInt64 = 0
}

/// Why an import stopped, and what it had done by then.
public struct ImportFailure: Error, CustomStringConvertible {
  /// What messages call the input.
  public let input: String
  /// Why: `JSONError`, `CSVError`, `ImportError`, `RecordStoreError`, `EngineError`, or what the
  /// input or the progress callback threw.
  public let cause: any Error
  /// What is in the store.
  ///
  /// Its line is the last committed one.
  public let committed: ImportProgress

  /// One sentence for people.
  public var description: String {
    let done = committed.records == 0 ? "nothing" : "everything up to line \(committed.line)"
    return "\(input): \(cause) (\(done) was imported)"
  }
}

/// Why text that is JSON or CSV is not records.
public struct ImportError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What can be wrong.
  public enum Problem: Sendable, Equatable {
    /// No key, or none that can be one.
    case key(KeyProblem)
    /// A line, row or array element longer than `limit` bytes.
    case lineTooLong(limit: Int)
    /// The record names no collection, or another than it is imported into.
    case collection(String)
    /// A field with a name that is too long.
    case fieldName(length: Int, limit: Int)
    /// The document has no member of that name where the path says.
    case pathNotFound(String)
  }

  /// What is wrong.
  public let problem: Problem
  /// The line, counted from 1.
  public let line: UInt64

  /// Creates an error.
  public init(problem: Problem, line: UInt64) {
    self.problem = problem
    self.line = line
  }

  /// One sentence for people.
  public var description: String {
    let what =
      switch problem {
      case .key(let problem): problem.description
      case .lineTooLong(let limit): "more than \(limit) bytes without an end"
      case .collection(let what): what
      case .fieldName(let length, let limit): "a field name of \(length) bytes, above \(limit)"
      case .pathNotFound(let name): "the document has no \"\(name)\" there"
      }
    return "line \(line): \(what)"
  }
}
