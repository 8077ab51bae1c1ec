// SPDX-License-Identifier: Apache-2.0

/// The last commands of the journal in memory, from which copies of the model catch up.
struct RecentJournal {
  /// A run of commands, one behind the other.
  struct Run {
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

  private static let runBytes = 64 << 10

  private var sealed: [Run] = []
  private var open: Run
  private(set) var byteCount = 0

  /// An empty one, after the command with that number.
  init(after number: UInt64) {
    open = Run(first: number + 1)
  }

  /// The last command before it.
  var floor: UInt64 { (sealed.first ?? open).first - 1 }
  /// The last command in it.
  var last: UInt64 { open.last }

  /// Writes a command to the journal of the store and adds its entry; returns the transaction in the
  /// log.
  ///
  /// Nothing is added when it throws.
  mutating func append(
    _ context: CommandContext, hash: UInt64?, form: [UInt8], payload: [UInt8],
    to journal: CommandJournal
  ) throws(PrevalenceError) -> UInt64 {
    if open.bytes.count >= Self.runBytes { seal() }
    let start = open.bytes.count
    JournalRecord.appendHead(time: context.now, hash: hash, to: &open.bytes)
    open.bytes.append(contentsOf: form)
    open.bytes.append(contentsOf: payload)
    let commit: UInt64
    do throws(PrevalenceError) {
      let span = open.bytes.span
      commit = try journal.append(
        context.number, span.extracting(start..<span.count), payload: payload.count)
    } catch {
      open.bytes.removeLast(open.bytes.count - start)
      throw error
    }
    open.commits.append(commit)
    open.ends.append(open.bytes.count)
    byteCount += open.bytes.count - start
    return commit
  }

  private mutating func seal() {
    guard !open.ends.isEmpty else { return }
    let next = open.last + 1
    sealed.append(open)
    open = Run(first: next)
    // What was long is long again.
    if sealed.last?.bytes.count ?? 0 >= Self.runBytes {
      open.bytes.reserveCapacity(Self.runBytes + 4096)
    }
  }

  /// The runs with everything after a number; `nil` when some of it is not there any more.
  mutating func runs(after number: UInt64) -> [Run]? {
    guard number >= floor else { return nil }
    // What is handed out does not grow, so that it is not copied.
    seal()
    let start = sealed.firstIndex { $0.last > number } ?? sealed.endIndex
    return Array(sealed[start...])
  }

  /// What to throw where something after a number is not there any more.
  func gap(after number: UInt64) -> PrevalenceError {
    .gap(expected: number + 1, found: floor + 1)
  }

  /// Forgets what no longer matters, up to a number.
  mutating func forget(upTo number: UInt64) {
    if open.last <= number { seal() }
    let doomed = sealed.prefix { $0.last <= number }
    byteCount -= doomed.reduce(0) { $0 + $1.bytes.count }
    sealed.removeFirst(doomed.count)
  }
}
