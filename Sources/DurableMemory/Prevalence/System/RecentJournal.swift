// SPDX-License-Identifier: Apache-2.0

/// The last commands of the journal in memory, from which copies of the model catch up.
struct RecentJournal {
  /// A run of commands, one behind the other.
  struct Segment {
    /// The number of its first command.
    let first: UInt64
    var bytes: [UInt8] = []
    /// Where each entry ends.
    var ends: [Int] = []
    /// The transaction of each in the log.
    var commits: [UInt64] = []

    /// The last command.
    var last: UInt64 { first + UInt64(ends.count) - 1 }

    func entry(_ index: Int) -> ArraySlice<UInt8> {
      bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }
  }

  private static let segmentBytes = 64 << 10

  private var sealed: [Segment] = []
  private var open: Segment
  private(set) var byteCount = 0

  /// An empty one, after the command with that number.
  init(after number: UInt64) {
    open = Segment(first: number + 1)
  }

  /// The last command before it.
  var floor: UInt64 { (sealed.first ?? open).first - 1 }
  /// The last command in it.
  var last: UInt64 { open.last }

  /// Adds an entry that `write` appends to the bytes it is given, unless it throws; `write` returns
  /// the transaction in the log.
  mutating func append(
    _ write: (inout [UInt8]) throws -> UInt64
  ) throws {
    if open.bytes.count >= Self.segmentBytes { seal() }
    let start = open.bytes.count
    do {
      open.commits.append(try write(&open.bytes))
    } catch {
      open.bytes.removeLast(open.bytes.count - start)
      throw error
    }
    open.ends.append(open.bytes.count)
    byteCount += open.bytes.count - start
  }

  private mutating func seal() {
    guard !open.ends.isEmpty else { return }
    let next = open.last + 1
    sealed.append(open)
    open = Segment(first: next)
  }

  /// The segments with everything after a number; `nil` when some of it is not there any more.
  mutating func segments(after number: UInt64) -> [Segment]? {
    guard number >= floor else { return nil }
    // What is handed out does not grow, so that it is not copied.
    seal()
    let start = sealed.firstIndex { $0.last > number } ?? sealed.endIndex
    return Array(sealed[start...])
  }

  /// Forgets what no longer matters, up to a number.
  mutating func forget(upTo number: UInt64) {
    if open.last <= number { seal() }
    let doomed = sealed.prefix { $0.last <= number }
    byteCount -= doomed.reduce(0) { $0 + $1.bytes.count }
    sealed.removeFirst(doomed.count)
  }
}
