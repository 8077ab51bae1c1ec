// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Runs `body` on several threads at the same time and waits for all of them.
///
/// Real threads rather than tasks: a commit blocks its thread, and the pool of tasks has only as
/// many threads as the machine has processors. Throws what the first failing thread threw.
public func runThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
  let outcome = Outcome()
  let group = DispatchGroup()
  for index in 0..<count {
    group.enter()
    let thread = Thread {
      do { try body(index) } catch { outcome.record(error) }
      group.leave()
    }
    thread.stackSize = 1 << 20
    thread.start()
  }
  group.wait()
  if let error = outcome.first { throw error }
}

private final class Outcome: Sendable {
  private let error = Guarded<(any Error)?>(nil)

  var first: (any Error)? { error.withLock { $0 } }

  func record(_ failure: any Error) {
    error.withLock { $0 = $0 ?? failure }
  }
}
