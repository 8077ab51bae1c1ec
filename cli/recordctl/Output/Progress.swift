// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// When progress is shown on standard error.
enum ProgressChoice: String, CaseIterable, Sendable {
  /// As a bar when standard error is a terminal.
  case auto
  /// Also into a file or a pipe: a line for each step.
  case always
  case never
}

/// Shows how far a long command is, on standard error: as a bar with rate and remaining time, or
/// as lines where there is no terminal.
final class Progress: Sendable {
  private enum Style { case none, bar, lines }

  private struct State {
    var started: ContinuousClock.Instant
    var drawn: ContinuousClock.Instant?
    var hasBar = false
  }

  /// The shortest time between two drawings of the bar.
  private static let interval = Duration.milliseconds(100)

  private let style: Style
  private let label: String
  private let unit: String
  private let state: Mutex<State>

  /// - Parameters:
  ///   - label: What is done: "import".
  ///   - unit: What is counted: "records".
  init(_ choice: ProgressChoice, label: String, unit: String) {
    self.label = label
    self.unit = unit
    style =
      switch choice {
      case .never: .none
      case .always: Descriptor.error.isTerminal ? .bar : .lines
      case .auto: Descriptor.error.isTerminal ? .bar : .none
      }
    state = Mutex(State(started: .now))
  }

  /// Tells that `done` units of `total` are safely done.
  func update(done: UInt64, of total: UInt64) {
    update(done: done, fraction: total > 0 ? Double(done) / Double(total) : nil)
  }

  /// Tells that `done` units are safely done.
  ///
  /// `fraction` of the whole is behind, if that is known.
  func update(done: UInt64, fraction: Double? = nil) {
    guard style != .none else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      if style == .lines { return show("\(label): \(done) \(unit)\n") }
      if let drawn = state.drawn, now - drawn < Self.interval { return }
      state.drawn = now
      state.hasBar = true
      let width = (Descriptor.error.terminalWidth ?? 80) - 1
      let line = bar(done: done, fraction: fraction, elapsed: now - state.started)
      show("\r" + line.shortened(to: width).padded(to: width))
    }
  }

  /// Clears the bar, so that what comes next has the line for itself.
  func finish() {
    state.withLock { state in
      guard state.hasBar else { return }
      state.hasBar = false
      show("\r" + String(repeating: " ", count: (Descriptor.error.terminalWidth ?? 80) - 1) + "\r")
    }
  }

  private func bar(done: UInt64, fraction: Double?, elapsed: Duration) -> String {
    let seconds = max(elapsed / .seconds(1), 0.001)
    let rate = "\(done) \(unit), \(Int(Double(done) / seconds))/s"
    guard let fraction, fraction > 0 else { return "\(label)  \(rate)" }
    let behind = min(fraction, 1)
    let filled = Int(behind * 24)
    let remaining = Int((seconds / behind - seconds).rounded(.up))
    return label + " [" + String(repeating: "=", count: filled)
      + String(repeating: " ", count: 24 - filled)
      + "] \(Int(behind * 100)) %  \(rate), \(Self.time(remaining)) left"
  }

  private static func time(_ seconds: Int) -> String {
    let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60]
    let digits = parts.map { $0 < 10 ? "0\($0)" : "\($0)" }
    return (parts[0] > 0 ? digits : Array(digits.dropFirst())).joined(separator: ":")
  }

  private func show(_ text: String) {
    // Progress that cannot be shown is no reason to stop.
    try? Descriptor.error.write(text.utf8)
  }
}
