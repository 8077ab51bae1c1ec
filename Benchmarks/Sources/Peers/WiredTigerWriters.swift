// SPDX-License-Identifier: Apache-2.0

import CWiredTiger
import Foundation

/// The sessions that write: kept between transactions, and told when to try again.
final class WiredTigerWriters: @unchecked Sendable {
  private let name: String
  private let connection: UnsafeMutablePointer<WT_CONNECTION>
  private let condition = NSCondition()
  // What follows is used under the condition's lock.
  private var idle: [WiredTigerSession] = []
  private var running = 0
  private var commits = 0

  init(_ name: String, of connection: UnsafeMutablePointer<WT_CONNECTION>) {
    self.name = name
    self.connection = connection
  }

  /// Runs `body` with a session that nobody else has.
  func withSession<Result>(_ body: (WiredTigerSession) throws -> Result) throws -> Result {
    let (taken, _) = start()
    let session: WiredTigerSession
    do {
      session = try taken ?? WiredTigerSession(name, of: connection)
    } catch {
      finish(nil, committed: false)
      throw error
    }
    defer { finish(session, committed: false) }
    return try body(session)
  }

  /// Runs a transaction, again where another one changed the same records first.
  ///
  /// The other one is visible only once its flush is over: until then every attempt would fail, and
  /// take the processor from others. So a loser waits until some transaction is committed.
  func transact(_ body: (WiredTigerSession) throws -> Void) throws {
    var attemptsAlone = 0
    while true {
      let (taken, seen) = start()
      var session = taken
      do {
        let used = try taken ?? WiredTigerSession(name, of: connection)
        session = used
        try body(used)
        finish(session, committed: true)
        return
      } catch let error as PeerError where error.isConflict {
        finish(session, committed: false)
        // With no other one under way it is the cache that is too small.
        if !waitForCommit(after: seen) {
          attemptsAlone += 1
          guard attemptsAlone < 10 else {
            let message = error.message + ", with no other under way: the cache is too small"
            throw PeerError(name, error.call, message)
          }
        }
      } catch {
        finish(session, committed: false)
        throw error
      }
    }
  }

  private func start() -> (WiredTigerSession?, commits: Int) {
    condition.lock()
    defer { condition.unlock() }
    running += 1
    return (idle.popLast(), commits)
  }

  private func finish(_ session: WiredTigerSession?, committed: Bool) {
    condition.lock()
    defer { condition.unlock() }
    if let session { idle.append(session) }
    running -= 1
    if committed { commits += 1 }
    if committed || running == 0 { condition.broadcast() }
  }

  /// Waits for a commit since `seen` were counted; false where there is none to wait for.
  private func waitForCommit(after seen: Int) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    while commits == seen, running > 0 { condition.wait() }
    return commits != seen
  }

  /// Closes the sessions.
  func close() throws {
    condition.lock()
    defer { condition.unlock() }
    for session in idle { try session.close() }
    idle = []
  }
}
