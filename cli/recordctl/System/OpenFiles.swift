// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How many files and connections this process may have open at once.
///
/// The libraries underneath take some for granted, and end the process without them.
enum OpenFiles {
  /// What a command without a network takes.
  private static let base = 32
  /// What the event loops of the network take for each processor besides.
  private static let perProcessor = 4

  /// Fills the places of standard input, output and error where the caller closed them.
  ///
  /// Else the next file that is opened would take such a place, and be read and written in its
  /// stead. Reading and writing them fails as before.
  static func fillStandardPlaces() {
    for (number, mode) in [
      (STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY),
    ] where fcntl(number, F_GETFD) < 0 {
      // The lowest number that is free is taken.
      guard unsafe open("/dev/null", mode) >= 0 else { exit(ExitStatus.failure.rawValue) }
    }
  }

  static func ensure() throws(Failure) {
    try ensure(base)
  }

  static func ensureForNetwork() throws(Failure) {
    try ensure(base + perProcessor * max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  private static func ensure(_ count: Int) throws(Failure) {
    let needed = rlim_t(count)
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < needed else { return }
    let present = limit.rlim_cur
    limit.rlim_cur = needed
    guard limit.rlim_max >= needed, unsafe setrlimit(resource, &limit) == 0 else {
      throw Failure(
        .failure, "only \(present) files may be open at once; \(needed) are needed",
        hint: "with a higher limit of open files ('ulimit -Hn' shows the most there can be)")
    }
  }
}
