// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What else the machine does.
enum MachineLoad {
  /// Above this share a run counts for nothing.
  static let limit = 0.1

  /// The share of all processors' time that is used while this process sleeps.
  static func busyShare(seconds: Double) -> Double {
    let before = times()
    Thread.sleep(forTimeInterval: seconds)
    let after = times()
    let all = after.all - before.all
    return all > 0 ? 1 - (after.idle - before.idle) / all : 0
  }

  /// Ticks since the start, of all processors together.
  private static func times() -> (idle: Double, all: Double) {
    let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
    let ticks = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst()
      .compactMap { Double($0) }
    guard ticks.count > 4 else { return (0, 0) }
    // Waiting for the disk is idle time, too; guests are counted among the users already.
    return (ticks[3] + ticks[4], ticks.prefix(8).reduce(0, +))
  }
}
