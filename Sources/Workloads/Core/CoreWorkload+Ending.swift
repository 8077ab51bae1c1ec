// SPDX-License-Identifier: Apache-2.0

import Foundation

extension CoreWorkload {
  /// Deletes half of what was loaded, closes, opens again.
  func end(_ engine: any MeasuredEngine) throws {
    let half = rows.contains(.deleteHalf) ? Array(shuffled().prefix(size / 2)) : []
    try recorder.rate(.deleteHalf, of: half.count) { try engine.delete(table, half) }
    let deleted = Set(half)
    let left = (0..<table.count).filter { !deleted.contains(Int32($0)) }
    try WorkloadError.expect(try engine.makeReader().scan(), expected(left), .deleteHalf)
    try engine.settle()
    var again = engine
    func reopen() throws {
      try engine.close()
      again = try open("random")
      let first = try again.makeReader().get(table, [Int32(left[0])])
      try WorkloadError.expect(first, expected(left[..<1]), .reopenClean)
    }
    if rows.contains(.reopenClean) {
      try recorder.measure(.reopenClean) { try Recorder.seconds(reopen) }
    } else {
      try reopen()
    }
    recorder.add(.finalSize, try liveMultiple("random", again, live: left))
    try again.close()
  }

  /// The positions of what was loaded, in an order that is the same in every run.
  private func shuffled() -> [Int32] {
    var generator = SplitMix64(state: 7)
    return (0..<Int32(size)).shuffled(using: &generator)
  }
}
