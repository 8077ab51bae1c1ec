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
}
