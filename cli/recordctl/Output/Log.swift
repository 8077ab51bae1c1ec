// SPDX-License-Identifier: Apache-2.0

/// What is told on standard error.
struct Log: Sendable {
  enum Level: Int, Comparable, Sendable {
    case error, notice, information

    static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
  }

  /// The least important level that is shown.
  let level: Level

  init(level: Level) {
    self.level = level
  }

  init(_ options: CommonOptions) {
    level = options.quiet ? .error : options.verbose ? .information : .notice
  }

  /// Tells something that a person should know.
  func notice(_ text: String) { tell(text, .notice) }

  /// Tells what is being done, to those who asked for it.
  func inform(_ text: String) { tell(text, .information) }

  /// Tells something of that importance.
  func tell(_ text: String, _ level: Level) { show(text, level) }

  /// Tells why a command did not succeed, and what to try.
  func report(_ failure: Failure) {
    guard !failure.message.isEmpty else { return }
    show(failure.message, .error)
    if let hint = failure.hint { show("  try: " + hint, .error, prefix: "") }
  }

  private func show(_ text: String, _ level: Level, prefix: String = "recordctl: ") {
    var prefix = prefix
    guard level <= self.level else { return }
    // Where even this cannot be written nobody is left to be told.
    for line in text.split(separator: "\n") {
      try? Descriptor.error.write((prefix + String(line).terminalSafe + "\n").utf8)
      prefix = ""
    }
  }
}
