// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport

/// What one transaction did with lists to which each transaction appends elements of its own, so
/// that a list tells in which order those came who wrote it.
struct HistoryEntry: Sendable {
  /// The number of the transaction; its elements are four times that, and up to three more.
  let number: Int
  /// What it read of each key, own elements left out.
  var reads: [Int: [Int]] = [:]
  /// The elements it has appended to each key.
  var appended: [Int: [Int]] = [:]
  var isCommitted = false
}

/// Looks in a history for what an isolation level excludes, as the checker Elle does.
struct HistoryChecker {
  /// How the transaction at the end of an edge depends on the one at its beginning.
  enum Dependency { case writeWrite, writeRead, readWrite }

  private struct Edge: Hashable {
    let from: Int
    let to: Int
  }

  private let entries: [Int: HistoryEntry]
  private let lists: [Int: [Int]]
  private var edges: [Dependency: Set<Edge>] = [.writeWrite: [], .writeRead: [], .readWrite: []]

  /// Takes a history and the lists at its end; throws what no level of isolation allows: elements
  /// that are lost, of aborted transactions or of the middle of one, and lists in two orders.
  init(_ history: [HistoryEntry], lists: [Int: [Int]]) throws {
    entries = Dictionary(uniqueKeysWithValues: history.map { ($0.number, $0) })
    self.lists = lists
    try checkLists()
    for entry in history where entry.isCommitted {
      for (key, list) in entry.reads { try addRead(entry.number, key, list) }
    }
  }

  private mutating func checkLists() throws {
    for (key, list) in lists {
      for (first, second) in zip(list, list.dropFirst()) where first / 4 != second / 4 {
        add(.writeWrite, first / 4, second / 4)
      }
      for element in list where entries[element / 4]?.isCommitted != true {
        throw TestFailure("key \(key) has \(element) of an aborted transaction")
      }
    }
    for entry in entries.values where entry.isCommitted {
      for (key, elements) in entry.appended {
        guard (lists[key] ?? []).filter({ $0 / 4 == entry.number }) == elements else {
          throw TestFailure("key \(key) has not \(elements) of \(entry.number)")
        }
      }
    }
  }

  private mutating func addRead(_ number: Int, _ key: Int, _ read: [Int]) throws {
    let list = lists[key] ?? []
    guard list.starts(with: read) else {
      throw TestFailure("transaction \(number) read \(read) of key \(key), which became \(list)")
    }
    if let last = read.last {
      guard entries[last / 4]?.appended[key]?.last == last else {
        throw TestFailure("transaction \(number) read a state in the middle of another")
      }
      add(.writeRead, last / 4, number)
    }
    // The next that is not its own follows on what it has read.
    if let next = list[read.count...].first(where: { $0 / 4 != number }) {
      add(.readWrite, number, next / 4)
    }
  }

  private mutating func add(_ dependency: Dependency, _ from: Int, _ to: Int) {
    if from != to { edges[dependency]?.insert(Edge(from: from, to: to)) }
  }

  /// How many dependencies of a kind there are.
  func count(_ dependency: Dependency) -> Int { edges[dependency]?.count ?? 0 }

  /// A cycle of dependencies of the given kinds; `nil` when there is none.
  func cycle(_ kinds: [Dependency]) -> [Int]? {
    let next = successors(kinds)
    var finished: Set<Int> = []
    var path: [Int] = []
    func visit(_ number: Int) -> [Int]? {
      if let start = path.firstIndex(of: number) { return Array(path[start...]) + [number] }
      if finished.contains(number) { return nil }
      path.append(number)
      for other in next[number] ?? [] { if let cycle = visit(other) { return cycle } }
      path.removeLast()
      finished.insert(number)
      return nil
    }
    for number in entries.keys.sorted() { if let cycle = visit(number) { return cycle } }
    return nil
  }

  /// A cycle with one anti-dependency, which snapshot isolation excludes; `nil` when there is none.
  func cycleOfOneReadWrite() -> Int? {
    let next = successors([.writeWrite, .writeRead])
    for edge in edges[.readWrite] ?? [] {
      var seen: Set<Int> = [edge.to]
      var left = [edge.to]
      while let number = left.popLast() {
        if number == edge.from { return number }
        for other in next[number] ?? [] where seen.insert(other).inserted { left.append(other) }
      }
    }
    return nil
  }

  /// A transaction that appended to a list in which others came between its reading and that.
  func lostUpdate() -> Int? {
    for entry in entries.values where entry.isCommitted {
      for (key, elements) in entry.appended {
        guard let read = entry.reads[key], let list = lists[key] else { continue }
        if list.firstIndex(of: elements[0]) != read.count { return entry.number }
      }
    }
    return nil
  }

  /// What a strategy excludes and this history has; `nil` when it has nothing of that.
  func violation(of strategy: ConflictStrategy) -> String? {
    if let number = lostUpdate() { return "the update of \(number) is lost" }
    if let cycle = cycle([.writeWrite, .writeRead]) { return "a cycle of writes: \(cycle)" }
    if let number = cycleOfOneReadWrite() { return "\(number) has read a mix of states" }
    guard strategy != .versionOnWrite,
      let cycle = cycle([.writeWrite, .writeRead, .readWrite])
    else { return nil }
    return "a cycle, so that there is no order: \(cycle)"
  }

  private func successors(_ kinds: [Dependency]) -> [Int: [Int]] {
    var next: [Int: [Int]] = [:]
    for kind in kinds {
      for edge in edges[kind] ?? [] { next[edge.from, default: []].append(edge.to) }
    }
    return next
  }
}
