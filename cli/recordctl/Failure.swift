// SPDX-License-Identifier: Apache-2.0

/// Why a command did not succeed: what a person reads and what a script tests.
struct Failure: Error, Sendable {
  /// The exit code.
  let status: ExitStatus
  /// What failed and why, as one sentence without a full stop.
  let message: String
  /// What to try, if there is something.
  let hint: String?

  init(_ status: ExitStatus, _ message: String, hint: String? = nil) {
    self.status = status
    self.message = message
    self.hint = hint
  }

  /// Where the command line is wrong and a number below zero is in it, tells how such a thing is
  /// given: it was taken for an option.
  func explainingDashes(in arguments: [String]) -> Failure {
    guard status == .usage, hint == nil, !arguments.contains("--"),
      let number = arguments.first(where: { $0.hasPrefix("-") && Int64($0) != nil })
    else { return self }
    return Failure(status, message, hint: "'--' before '\(number)', if that is a key or a value")
  }
}
