// SPDX-License-Identifier: Apache-2.0

/// Every exit code of `recordctl`: the one registry.
///
/// Codes are stable; a code that a caller does not know means failure.
enum ExitStatus: Int32, CaseIterable, Sendable {
  /// Done.
  case success = 0
  /// Failed for a reason without a code of its own, such as a malformed import.
  case failure = 1
  /// The command line (or a variable that stands for a part of it) is wrong. Nothing was done.
  case usage = 2
  /// Done, and something is held: it waits for its time or for what it depends on.
  case held = 3
  /// No such store, record, collection or file.
  case notFound = 4
  /// Another process holds the store. Worth retrying.
  case locked = 5
  /// The schema does not allow it, or the data needs a later program.
  case schema = 6
  /// Refused: no or a wrong token, a different store, an unsafe way to listen.
  case refused = 7
  /// Not done in time.
  case timeout = 8
  /// What was compared differs.
  case differs = 9
  /// Bytes are not what was written, or a file is none of ours.
  case corrupt = 10
  /// A replica's history was rolled back, or went on in two places.
  case fork = 11
  /// The peer no longer keeps what is missing here; start from a snapshot.
  case belowHorizon = 12
  /// A clock is too far off.
  case clockSkew = 13
  /// No room on the disk. What was acknowledged is safe.
  case diskFull = 14
  /// The peer does not answer. Worth retrying.
  case unreachable = 15
  /// A fault of this program.
  case bug = 70
  /// Stopped by a signal; the same command carries on from there.
  case interrupted = 130
}

extension ExitStatus {
  /// What the code means, in a few words.
  var meaning: String {
    switch self {
    case .success: "done"
    case .failure: "failure"
    case .usage: "usage"
    case .held: "done, and something is held"
    case .notFound: "not found"
    case .locked: "locked"
    case .schema: "incompatible"
    case .refused: "refused"
    case .timeout: "timeout"
    case .differs: "differs"
    case .corrupt: "corrupt"
    case .fork: "fork or rollback"
    case .belowHorizon: "below horizon"
    case .clockSkew: "clock skew"
    case .diskFull: "disk full"
    case .unreachable: "unreachable"
    case .bug: "bug"
    case .interrupted: "interrupted"
    }
  }

  /// All codes, one a line.
  static var table: String {
    allCases.map { status in
      let number = "\(status.rawValue)"
      return String(repeating: " ", count: 5 - number.count) + "\(number)  \(status.meaning)"
    }.joined(separator: "\n")
  }
}
