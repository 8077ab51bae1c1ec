// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A process that was run to its end, with what it took.
struct Subprocess {
  let seconds: Double
  /// The most memory it had resident, in bytes.
  let peakBytes: UInt64
}

/// A process that is measured.
///
/// It inherits the standard streams but for its standard output, which is dropped, and its standard
/// error, which may go to a file.
struct RunningSubprocess {
  let identifier: pid_t
  private let started = ContinuousClock.now

  init(_ arguments: [String], errorsTo path: String = "/dev/null") throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var words = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var identifier = pid_t()
    let status = posix_spawnp(&identifier, arguments[0], &actions, nil, &words, environ)
    guard status == 0 else { throw BenchmarkFailure("cannot run \(arguments[0]): \(status)") }
    self.identifier = identifier
  }

  /// Waits for its end, which must be a success.
  func wait() throws -> Subprocess {
    var status: Int32 = 0
    var usage = rusage()
    guard wait4(identifier, &status, 0, &usage) == identifier, status == 0 else {
      throw BenchmarkFailure("process \(identifier) ended with status \(status)")
    }
    return Subprocess(
      seconds: (ContinuousClock.now - started) / .seconds(1),
      peakBytes: UInt64(usage.ru_maxrss) * 1024)
  }

  func send(signal number: Int32) {
    kill(identifier, number)
  }
}
