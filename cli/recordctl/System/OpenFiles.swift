// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How many files and connections this process may have open at once.
enum OpenFiles {
  /// What the event loops of the network take for each processor.
  private static let perProcessor = 4
  private static let base = 32

  /// Makes sure of as many as the libraries underneath take for granted: they end the process
  /// without them.
  static func ensure() throws(Failure) {
    let needed = rlim_t(base + perProcessor * max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0,
      limit.rlim_cur < needed
    else { return }
    guard limit.rlim_max >= needed else {
      throw Failure(
        .failure, "only \(limit.rlim_max) files may be open at once; \(needed) are needed",
        hint: "'ulimit -n \(needed)'")
    }
    limit.rlim_cur = needed
    guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      throw Failure(.failure, "no more than \(limit.rlim_cur) files may be open at once")
    }
  }
}
