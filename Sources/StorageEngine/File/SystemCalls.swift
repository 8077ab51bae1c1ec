// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Every system call of the engine, with `errno` captured at once.
enum SystemCalls {
  /// The operating system's words for an error number.
  static func message(for errno: Int32) -> String {
    guard let text = unsafe strerror(errno) else { return "error \(errno)" }
    return unsafe String(cString: text)
  }
}
