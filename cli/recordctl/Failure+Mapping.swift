// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ChangeJournal
import DurableMemory
import Glibc
import PeerSync
import PeerSyncHTTP
import Records
import StorageEngine

extension Failure {
  /// The exit code, words and hint for anything that a command can throw.
  init(describing error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case let error as EngineError: self.init(error)
    case let error as StorageError: self.init(error)
    case let error as TransactionError: self.init(error)
    case let damage as Damage: self.init(.corrupt, damage.description, hint: Self.restoreHint)
    case let error as DurableMapError: self.init(error)
    case let error as PrevalenceError: self.init(error)
    case let error as JournalError: self.init(error)
    case let error as RecordStoreError: self.init(error)
    case let error as SnapshotError: self.init(error)
    case let error as ImportFailure: self.init(error)
    case let error as FileFailure: self.init(error)
    case let error as SyncError: self.init(error)
    case let error as SyncServerError: self.init(error)
    case let error as PeerAddressError:
      self.init(.usage, error.description, hint: "HOST, HOST:PORT, or an https:// URL")
    case let error as BearerTokenError:
      self.init(.usage, error.description, hint: "a token file made by 'openssl rand -hex 32'")
    case is CancellationError: self = .interrupted
    default: self.init(other: error)
    }
  }

  /// Stopped by a signal.
  static let interrupted = Failure(
    .interrupted, "stopped by a signal; what was committed is safe",
    hint: "the same command again, to carry on")

  static let laterProgramHint = "a newer recordctl"

  private static let foreignHint =
    "another --store; where it was a store, 'recordctl doctor' looks for what is left"

  static let restoreHint =
    "'recordctl snapshot restore FILE' into a new store, or a sync from a peer; at the last "
    + "'recordctl doctor'"

  /// The command line is wrong, or something failed that has no code of its own.
  private init(other error: any Error) {
    guard Recordctl.exitCode(for: error) == .validationFailure else {
      self.init(.failure, "\(error)")
      return
    }
    let text = Recordctl.fullMessage(for: error)
    self.init(.usage, text.hasPrefix("Error: ") ? String(text.dropFirst(7)) : text)
  }
}

// MARK: - Files

extension Failure {
  init(_ error: FileFailure) {
    let what = "cannot \(error.action) \(error.path): \(error.reason)"
    switch error.number {
    case ENOENT: self.init(.notFound, what)
    case ENOSPC, EDQUOT, EFBIG: self.init(.diskFull, what, hint: Self.spaceHint)
    case FileFailure.readerHasSeenEnough.number: self.init(.success, "")
    case EPIPE:
      self.init(.failure, "\(error.path): the reader went away, and the output is incomplete")
    case EACCES, EPERM: self.init(.failure, what, hint: Self.permissionHint)
    default: self.init(.failure, what)
    }
  }

  private static let permissionHint = "as another user; 'ls -l' shows who may"

  private static let spaceHint = "make room on the disk, then the same command again"

  init(_ error: StorageError) {
    switch error.kind {
    case .outOfSpace: self.init(.diskFull, error.description, hint: Self.spaceHint)
    case .unexpectedEnd: self.init(.corrupt, error.description, hint: Self.restoreHint)
    case .system(ENOENT): self.init(.notFound, error.description)
    case .system(EACCES), .system(EPERM):
      self.init(.failure, error.description, hint: Self.permissionHint)
    case .unsuitable, .system: self.init(.failure, error.description)
    }
  }

  init(_ error: EngineError) {
    let what = error.description
    switch error {
    case .notFound: self.init(.notFound, what, hint: "'recordctl init', or another --store")
    case .alreadyExists:
      self.init(.failure, what, hint: "another path, or move that file away first")
    case .locked:
      self.init(.locked, what, hint: "again when that process has ended")
    case .notAStore: self.init(.corrupt, what, hint: Self.foreignHint)
    case .unsupportedVersion: self.init(.schema, what, hint: Self.laterProgramHint)
    case .storage(let error): self.init(error)
    case .corrupt: self.init(.corrupt, what, hint: Self.restoreHint)
    case .outOfSpace: self.init(.diskFull, what, hint: Self.spaceHint)
    case .poisoned: self.init(.failure, what, hint: "the same command again")
    case .invalidKeyLength, .valueTooLong, .transactionTooLong, .invalidConfiguration:
      self.init(.failure, what)
    case .undecidable:
      self.init(.failure, what, hint: "'recordctl recover', to decide otherwise")
    case .closed, .readOnly, .treeNotFound, .treeExists, .treeInUse, .invalidTreeName:
      self.init(.bug, what)
    }
  }
}

extension Failure {
  init(_ error: TransactionError) {
    switch error {
    case .engine(let error): self.init(error)
    case .notInDoubt:
      self.init(.notFound, error.description, hint: "'recordctl recover' lists them")
    case .lockTimeout:
      self.init(.locked, error.description, hint: "'recordctl recover', to decide on it")
    default: self.init(.failure, error.description)
    }
  }
}

// MARK: - Journals and records

extension Failure {
  init(_ error: JournalError) {
    let what = error.description
    switch error {
    case .corrupt, .truncated, .limitExceeded:
      self.init(.corrupt, what, hint: "export the journal again from its source")
    case .notAJournal: self.init(.corrupt, what)
    case .unsupportedVersion, .unsupportedOperation:
      self.init(.schema, what, hint: Self.laterProgramHint)
    case .gap:
      self.init(.failure, what, hint: "a journal that begins earlier ('journal export --since')")
    case .fork, .tagCollision: self.init(.fork, what, hint: Self.forkHint)
    case .waiting: self.init(.failure, what, hint: "the journal that holds what is missing")
    case .clockExhausted: self.init(.clockSkew, what)
    case .engine(let error): self.init(error)
    case .acausal: self.init(.corrupt, what)
    case .staging, .invalidTransaction: self.init(.failure, what)
    case .finished: self.init(.bug, what)
    }
  }

  private static let forkHint =
    "keep the store whose history is right; 'recordctl export' from the other saves its records"

  init(_ error: RecordStoreError) {
    let what = error.description
    switch error {
    case .notARecordStore:
      self.init(.corrupt, what, hint: "'recordctl info' says what the file holds")
    case .corruptTransaction: self.init(.corrupt, what)
    case .unsupportedVersion, .unsupportedOperation:
      self.init(.schema, what, hint: Failure.laterProgramHint)
    case .corruptStore: self.init(.corrupt, what, hint: Self.restoreHint)
    case .storeMismatch: self.init(.refused, what, hint: "--adopt, if the two shall become one")
    case .rollback: self.init(.fork, what, hint: Self.forkHint)
    case .invalidCollection, .keyTooLong: self.init(.usage, what)
    case .invalidField, .invalidValue, .duplicateField: self.init(.failure, what)
    }
  }
}

extension Failure {
  init(_ error: SnapshotError) {
    let what = error.description
    switch error {
    case .corrupt, .truncated: self.init(.corrupt, what, hint: "another snapshot")
    case .unsoundStore: self.init(.corrupt, what, hint: Failure.restoreHint)
    case .notASnapshot: self.init(.corrupt, what)
    case .unsupportedVersion: self.init(.schema, what, hint: Failure.laterProgramHint)
    case .alreadyExists:
      self.init(.failure, what, hint: "another path, or move that file away first")
    case .file: self.init(.failure, what)
    }
  }

  private static let keyColumnHint =
    "--key with the name of the column that holds the key, or --delimiter"

  private static let lineHint = "correct that line, if the format is right; importing again is safe"

  private static func hint(for problem: ImportError.Problem) -> String {
    switch problem {
    case .key(.missing): "--key with the name of the field or column that holds the key"
    case .collection:
      "--collection with the name of the one; without it, where each record names its own, JSON and "
        + "JSON lines go to many"
    case .pathNotFound: "--path with the names that lead to the array"
    case .key, .lineTooLong, .fieldName: lineHint
    }
  }

  /// The exit code of the cause; malformed input is a plain failure.
  init(_ error: ImportFailure) {
    switch error.cause {
    case let cause as ImportError:
      self.init(.failure, error.description, hint: Self.hint(for: cause.problem))
    case let cause as CSVError where cause.isMissingKeyColumn:
      self.init(.failure, error.description, hint: Self.keyColumnHint)
    case is JSONError, is CSVError:
      self.init(.failure, error.description, hint: Self.lineHint)
    case let cause:
      let failure = Failure(describing: cause)
      let done =
        error.committed.records == 0
        ? "nothing was imported" : "everything up to line \(error.committed.line) was imported"
      self.init(
        failure.status, "\(error.input): \(failure.message) (\(done))", hint: failure.hint)
    }
  }
}

// MARK: - Peers

extension Failure {
  /// Tells what became of a session with a peer.
  init(_ error: SyncError, peer: String? = nil) {
    // What failed on the way to a peer names its address already.
    let isPlaced = error.message.hasPrefix("cannot connect to")
    let what = isPlaced ? error.message : peer.map { "\($0): \(error.message)" } ?? error.message
    switch error.code {
    case .unreachable: self.init(.unreachable, what, hint: "is the peer serving? Then again")
    case .timeout: self.init(.timeout, what, hint: "the same command again, to carry on")
    case .unauthorized: self.init(.refused, what, hint: "--token-file with the peer's token")
    case .refused: self.init(.refused, what)
    case .storeMismatch: self.init(.refused, what, hint: "--adopt, if the two shall become one")
    case .fork, .rollback: self.init(.fork, what, hint: Self.forkHint)
    case .corrupt: self.init(.corrupt, what)
    case .incompatible: self.init(.schema, what, hint: "the same recordctl version on both sides")
    case .clock: self.init(.clockSkew, what, hint: "set the clock")
    case .busy: self.init(.locked, what, hint: "again in a moment")
    case .tooLarge, .notFound: self.init(.failure, what)
    case .store: self = error.cause.map(Failure.init(describing:)) ?? Failure(.failure, what)
    case .failed: self.init(.failure, what)
    }
  }

  init(_ error: SyncServerError) {
    switch error {
    case .insecure:
      self.init(
        .refused, error.description,
        hint: "--token-file with --tls-certificate and --tls-key, or --listen 127.0.0.1:7433")
    case .cannotListen: self.init(.failure, error.description, hint: "another --listen")
    case .certificate: self.init(.failure, error.description)
    }
  }
}

extension CSVError {
  fileprivate var isMissingKeyColumn: Bool {
    if case .missingKeyColumn = problem { true } else { false }
  }
}
