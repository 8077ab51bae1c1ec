// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// Everything a prevalent system can refuse or fail with, besides what commands throw.
public enum PrevalenceError: Error, Sendable, Equatable {
  /// The store failed or refused.
  case engine(EngineError)
  /// The system was closed.
  case closed
  /// It was opened for reading only.
  case readOnly
  /// The store has no system of that name, and there is nothing to make one of.
  case notFound(name: String)
  /// A system of that name is open already.
  case alreadyOpen(name: String)
  /// An option or the registry is not usable; the reason in words.
  case invalidOptions(String)
  /// The store holds another type of model.
  case modelMismatch(stored: String, expected: String)
  /// The model was written in a form for which no migration was given.
  case modelVersion(stored: Int, supported: Int)
  /// The journal or an image was written by a later format than this program knows.
  case unsupportedFormat(found: Int, supported: Int)
  /// The journal holds a command that is not registered, in no version or not in this one.
  case unknownCommand(name: String, version: Int, number: UInt64)
  /// A command of the journal cannot be decoded.
  case undecodable(name: String, version: Int, number: UInt64, reason: String)
  /// The journal lacks a command: `found` follows where `expected` should.
  case gap(expected: UInt64, found: UInt64)
  /// An entry of the journal is not what was written.
  case damagedEntry(number: UInt64, reason: String)
  /// No image of the model can be read; the newest and what is wrong with it.
  case damagedImage(number: UInt64, reason: String)
  /// A command had another effect when it was executed again than the first time: it depends on more
  /// than the model, itself and the context.
  case diverged(name: String, number: UInt64, reason: String)
  /// The state that was asked for is older than what is kept, or newer than what there is.
  case outOfHistory(oldest: UInt64, newest: UInt64)
  /// A command whose type is not registered; nothing was executed.
  case unregistered(name: String)
  /// A command could not be encoded; nothing was executed.
  case notEncodable(name: String, reason: String)
  /// A command could not be decoded again; nothing was executed.
  case notReadable(name: String, reason: String)
  /// The model could not be encoded; there is no new image.
  case modelNotEncodable(reason: String)
  /// The veto hook refused a command; nothing was executed.
  case refused(name: String, reason: String)
  /// An earlier failure left the model in memory unusable; opening anew helps.
  case failed(reason: String)
}

extension PrevalenceError: CustomStringConvertible {
  /// One sentence for people.
  public var description: String {
    switch self {
    case .engine(let error): error.description
    case .closed: "the prevalent system is closed"
    case .readOnly: "the prevalent system is open for reading only"
    case .notFound(let name): "the store has no prevalent system '\(name)'"
    case .alreadyOpen(let name): "the prevalent system '\(name)' is open already"
    case .invalidOptions(let reason): "invalid options: \(reason)"
    case .modelMismatch(let stored, let expected):
      "the stored model is a \(stored), not a \(expected)"
    case .modelVersion(let stored, let supported):
      "the model is stored in version \(stored); there is no migration from it to \(supported)"
    case .unsupportedFormat(let found, let supported):
      "format \(found) is later than the \(supported) this program knows"
    case .unknownCommand(let name, let version, let number):
      "command \(number) is a \(name) version \(version), which is not registered"
    case .undecodable(let name, let version, let number, let reason):
      "command \(number), a \(name) version \(version), cannot be decoded: \(reason)"
    case .gap(let expected, let found):
      "the journal goes on with command \(found) where \(expected) should follow"
    case .damagedEntry(let number, let reason): "entry \(number) of the journal: \(reason)"
    case .damagedImage(let number, let reason): "image \(number) cannot be read: \(reason)"
    case .diverged(let name, let number, let reason):
      "command \(number), a \(name), did something else when executed again: \(reason)"
    case .outOfHistory(let oldest, let newest):
      "only states from command \(oldest) to \(newest) can be made"
    case .unregistered(let name): "commands of the type \(name) are not registered"
    case .notEncodable(let name, let reason): "a \(name) cannot be encoded: \(reason)"
    case .notReadable(let name, let reason): "a \(name) cannot be decoded again: \(reason)"
    case .modelNotEncodable(let reason): "the model cannot be encoded: \(reason)"
    case .refused(let name, let reason): "a \(name) was refused: \(reason)"
    case .failed(let reason): "the prevalent system must be opened anew: \(reason)"
    }
  }
}

extension PrevalenceError {
  /// Runs `body` and hands an error of the engine on as one of these.
  @inline(__always)
  static func wrapping<R>(_ body: () throws(EngineError) -> R) throws(PrevalenceError) -> R {
    do {
      return try body()
    } catch {
      throw .engine(error)
    }
  }

  /// What was thrown, as one of these if it came from the engine.
  static func unwrapped(_ error: any Error) -> any Error {
    if let error = error as? EngineError { return PrevalenceError.engine(error) }
    return error
  }
}
