// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Threads that all do the same.
public enum Threads {
  /// Runs `body` on `count` threads at once, each given its number, and waits for all; throws the
  /// first error.
  public static func run(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Void
  ) throws {
    let failure = Mutex<(any Error)?>(nil)
    let group = DispatchGroup()
    withExtendedLifetime(group) {
      for number in 0..<count {
        group.enter()
        Thread.detachNewThread {
          defer { group.leave() }
          do {
            try body(number)
          } catch {
            failure.withLock { $0 = $0 ?? error }
          }
        }
      }
      group.wait()
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }
}

/// Times of single operations.
public struct Latencies: Sendable {
  private var seconds: [Double] = []

  /// None yet.
  public init() {}

  /// Takes the time of one operation.
  public mutating func add(_ operation: () throws -> Void) rethrows {
    seconds.append(try Recorder.seconds(operation))
  }

  /// Takes those of another thread.
  public mutating func add(_ others: Latencies) {
    seconds += others.seconds
  }

  /// The time that a part of all operations does not exceed; 0.5 for the median.
  public func percentile(_ part: Double) -> Double {
    let sorted = seconds.sorted()
    guard !sorted.isEmpty else { return .nan }
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
  }
}
