// SPDX-License-Identifier: Apache-2.0

import Dispatch
@testable import Records

/// An input of lines that are all read before any of them is committed, because another write
/// keeps the commits waiting: then what waits is written together.
///
/// Must have fewer batches than may wait.
enum PiledInput {
  /// - Parameters:
  ///   - end: The line before which the commits may begin; the last one, unless it is given.
  static func make(
    _ lines: [String], in store: RecordStore, upTo end: Int? = nil,
    reopen: Bool = false
  ) -> ImportInput {
    let isHeld = DispatchSemaphore(value: 0)
    let mayEnd = DispatchSemaphore(value: 0)
    DispatchQueue.global().async {
      try? store.write { _ in
        isHeld.signal()
        mayEnd.wait()
      }
    }
    isHeld.wait()
    let pieces = lines.map { Array(($0 + "\n").utf8) }
    var next = 0
    return ImportInput(
      name: "input",
      read: { _ in
        defer { next += 1 }
        if next == end ?? pieces.count { mayEnd.signal() }
        return next < pieces.count ? pieces[next] : []
      }, reopen: reopen ? ImportInput(name: "again", bytes: pieces.flatMap { $0 }).reopen : nil)
  }
}
