// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport

/// The scripts that are crashed at every call.
extension Workload {
  static let all: [Workload] = [
    smallCommits, sharedGroups, concurrentGroups, largeTransactions, largeValues, deletes, trees,
    checkpoints, growth, reopening, logRecycling, snapshots, aborts, scheduled, mixed, bigPages,
    shrinking, spilling,
  ]

  static let smallCommits = Workload(
    name: "small commits",
    steps: (0..<30).map { number in
      var random = SplitMix64(seed: UInt64(number))
      return .commit(puts(1 + random.below(5), of: 10...200, &random))
    })

  static let sharedGroups = Workload(
    name: "several commits in a group",
    steps: (0..<8).flatMap { round -> [Step] in
      var random = SplitMix64(seed: 100 + UInt64(round))
      let waiting: [Step] = (0..<5).map { number in
        .commit(puts(3, of: 10...300, &random), durability: number % 2 == 0 ? .manual : .written)
      }
      return waiting + (round % 3 == 2 ? [.flush] : [.commit(puts(1, of: 5...50, &random))])
    })

  static let concurrentGroups = Workload(
    name: "commits of several threads",
    steps: (0..<6).map { round in
      .concurrent(
        (0..<6).map { thread in
          var random = SplitMix64(seed: UInt64(round * 10 + thread))
          return (0..<3).map { number in
            put("main", "thread \(thread) key \(number)", random.bytes(100))
          }
        })
    })

  static let largeTransactions = Workload(
    name: "large transactions",
    steps: {
      var random = SplitMix64(seed: 7)
      var steps: [Step] = []
      for round in 0..<3 {
        steps.append(.commit((0..<2000).map { put("main", key(round, $0), random.bytes(100)) }))
        if round == 1 { steps.append(.checkpoint) }
        steps.append(
          .commit(stride(from: 0, to: 2000, by: 2).map { delete("main", key(round, $0)) }))
      }
      return steps
    }())

  static let largeValues = Workload(
    name: "large values",
    steps: {
      var random = SplitMix64(seed: 8)
      func big(_ name: String, _ bytes: Int) -> Change { put("main", name, random.bytes(bytes)) }
      return [
        .commit([big("a", 100_000)]), .commit([big("b", 300_000), big("c", 5_000)]),
        .checkpoint, .commit([big("d", 1_000_000)]), .commit([big("a", 200_000)]),
        .commit([delete("main", "b"), big("e", 64_000)]), .checkpoint,
        .commit([big("f", 3_000_000)]), .commit([delete("main", "d"), big("c", 20)]),
        .checkpoint, .commit([big("g", 1_048_576), big("h", 1_048_577)]), .reopen,
        .commit([delete("main", "f"), delete("main", "g")]), .checkpoint, .checkpoint,
        .commit([big("i", 2_500_000)]),
      ]
    }())

  static let deletes = Workload(
    name: "deletes",
    steps: {
      var random = SplitMix64(seed: 9)
      var steps: [Step] = [
        .commit((0..<600).map { put("main", key(0, $0), random.bytes(60)) }), .checkpoint,
      ]
      var keys = (0..<600).map { key(0, $0) }
      keys.shuffle(using: &random)
      for part in 0..<6 {
        steps.append(.commit(keys[(part * 100)..<(part * 100 + 100)].map { delete("main", $0) }))
        if part % 2 == 1 { steps.append(.checkpoint) }
      }
      return steps + [.commit([put("main", "again", [1, 2, 3])])]
    }())

  static let trees = Workload(
    name: "trees come and go",
    steps: {
      var random = SplitMix64(seed: 10)
      var steps: [Step] = []
      for round in 0..<8 {
        let name = "tree \(round % 3)"
        var changes: [Change] = round >= 3 ? [.dropTree(name)] : []
        changes.append(.createTree(name))
        changes += (0..<150).map { put(name, key(round, $0), random.bytes(80)) }
        steps.append(.commit(changes))
        if round % 2 == 1 { steps.append(.checkpoint) }
        if round == 5 { steps.append(.reopen) }
      }
      steps.append(.commit([.createTree("short"), put("short", "k", [1]), .dropTree("short")]))
      return steps + [.commit([.dropTree("tree 0"), .dropTree("tree 1")]), .checkpoint]
    }())

  static let checkpoints = Workload(
    name: "the same keys between checkpoints",
    steps: (0..<10).flatMap { round -> [Step] in
      var random = SplitMix64(seed: 200 + UInt64(round))
      return (0..<3).map { _ in .commit(puts(20, of: 20...150, &random)) } + [.checkpoint]
    })

  static let growth = Workload(
    name: "growth",
    steps: {
      var random = SplitMix64(seed: 11)
      return (0..<12).flatMap { round -> [Step] in
        let changes = (0..<60).map { put("main", key(round, $0), random.bytes(5000)) }
        return [.commit(changes)] + (round % 3 == 2 ? [.checkpoint] : [])
      }
    }())

  static let reopening = Workload(
    name: "reopening",
    steps: (0..<8).flatMap { round -> [Step] in
      var random = SplitMix64(seed: 300 + UInt64(round))
      let middle: [Step] = round % 3 == 1 ? [.checkpoint] : []
      return [.commit(puts(10, of: 20...150, &random))] + middle
        + [.commit(puts(3, of: 20...150, &random)), .reopen]
    })

  static let logRecycling = Workload(
    name: "a log that wraps", checkpointBytes: 256 << 10,
    steps: (0..<24).flatMap { round -> [Step] in
      var random = SplitMix64(seed: 400 + UInt64(round))
      let commits: [Step] = (0..<2).map { number in
        .commit([put("main", "big \(number)", random.bytes(60_000)), put("main", "n", [1])])
      }
      return commits + [round % 2 == 0 ? .checkpoint : .runScheduled]
    })

  static let snapshots = Workload(
    name: "snapshots across checkpoints",
    steps: (0..<10).flatMap { round -> [Step] in
      var random = SplitMix64(seed: 500 + UInt64(round))
      let keep: [Step] = round % 3 == 0 ? [.snapshot] : []
      return keep + [.commit(puts(30, of: 20...150, &random)), .checkpoint]
    })

  static let aborts = Workload(
    name: "transactions that roll back",
    steps: (0..<8).flatMap { round -> [Step] in
      var random = SplitMix64(seed: 600 + UInt64(round))
      return [
        .commit(puts(10, of: 20...150, &random)),
        .abort(
          puts(50, of: 20...500, &random) + [
            .createTree("never"), put("never", "big", random.bytes(300_000)),
          ]),
        .commit(puts(2, of: 20...150, &random)),
      ] + (round % 2 == 1 ? [.checkpoint] : [])
    })

  static let scheduled = Workload(
    name: "scheduled checkpoints", checkpointBytes: 128 << 10,
    steps: (0..<20).flatMap { round -> [Step] in
      var random = SplitMix64(seed: 700 + UInt64(round))
      return [.commit(puts(40, of: 100...900, &random)), .runScheduled]
    })

  static let mixed = random(seed: 1)

  static let bigPages = Workload(
    name: "pages of 16 KiB", pageBytes: 16_384,
    steps: (0..<10).flatMap { round -> [Step] in
      var random = SplitMix64(seed: 800 + UInt64(round))
      return [.commit(puts(50, of: 100...3000, &random))] + (round % 4 == 3 ? [.checkpoint] : [])
    })

  static let shrinking = Workload(
    name: "a file that shrinks",
    steps: {
      var random = SplitMix64(seed: 900)
      let fill = (0..<10).map { round in
        Step.commit(
          (0..<60).map { put("main", key(round, $0), random.bytes(5000)) }
            + [put("main", "value \(round)", random.bytes(round % 3 == 0 ? 300_000 : 30_000))])
      }
      let empty = (0..<9).map { round in
        Step.commit((0..<60).map { delete("main", key(round, $0)) })
      }
      let after = (0..<3).map { round in
        Step.commit([put("main", "after \(round)", random.bytes(2000))])
      }
      return fill + [.checkpoint] + empty + [.compact] + after + [.compact, .reopen] + after
    }())

  static let spilling = Workload(
    name: "transactions larger than their memory", transactionMemoryBytes: 48 << 10,
    steps: (0..<6).flatMap { round -> [Step] in
      var random = SplitMix64(seed: 950 + UInt64(round))
      let large = puts(250, of: 100...900, &random) + [put("main", "big", random.bytes(90_000))]
      let trees: [Change] = [
        .createTree("other"), put("other", "big", random.bytes(90_000)),
      ]
      let other = (0..<80).map { put("other", "k\($0)", random.bytes(900)) }
      return [
        .commit(large), .abort(large + trees + other),
        .commit(trees + other + [.dropTree("other")] + puts(50, of: 900...1000, &random)),
        .commit((0..<200).map { delete("main", "key \($0)") } + puts(80, of: 500...900, &random)),
      ] + (round % 2 == 1 ? [.checkpoint] : [])
    })

  /// A random script; the seed repeats it.
  static func random(seed: UInt64, length: Int = 40) -> Workload {
    var random = SplitMix64(seed: seed)
    let steps = (0..<length).map { _ -> Step in
      switch random.below(20) {
      case 0: random.below(3) == 0 ? .compact : .reopen
      case 1, 2: .checkpoint
      case 3: .runScheduled
      case 4: .flush
      case 5: .snapshot
      case 6: .abort(puts(1 + random.below(30), of: 1...400, &random))
      case 7: .commit(puts(2, of: 30_000...400_000, &random))
      case 8, 9: .commit(puts(1 + random.below(10), of: 1...100, &random), durability: .manual)
      case 10, 11: .commit((0..<40).map { _ in delete("main", "key \(random.below(300))") })
      default: .commit(puts(1 + random.below(60), of: 0...300, &random))
      }
    }
    return Workload(name: "random \(seed)", checkpointBytes: 256 << 10, steps: steps)
  }

  /// A short random script on a few keys, whose images cost so little that very many can be opened.
  static func small(seed: UInt64, length: Int = 14) -> Workload {
    var random = SplitMix64(seed: seed)
    func few() -> [Change] {
      (0...random.below(4)).map { _ in
        let key = "key \(random.below(12))"
        if random.chance(1, in: 4) { return delete("main", key) }
        return put("main", key, random.bytes(random.below(random.chance(1, in: 8) ? 9000 : 90)))
      }
    }
    let steps = (0..<length).map { _ -> Step in
      switch random.below(16) {
      case 0: .reopen
      case 1, 2, 3: .checkpoint
      case 4: .compact
      case 5: .flush
      case 6: .snapshot
      case 7: .abort(few())
      case 8: .commit([put("main", "large", random.bytes(66_000))])
      case 9, 10: .commit(few(), durability: random.chance(1, in: 2) ? .manual : .written)
      default: .commit(few())
      }
    }
    return Workload(name: "small \(seed)", checkpointBytes: 64 << 10, steps: steps)
  }
}

// MARK: - Building blocks

extension Workload {
  static func put(_ tree: String, _ key: String, _ value: [UInt8]) -> Change {
    .put(tree: tree, key: Array(key.utf8), value: value)
  }

  static func delete(_ tree: String, _ key: String) -> Change {
    .delete(tree: tree, key: Array(key.utf8))
  }

  static func key(_ group: Int, _ number: Int) -> String {
    "group \(group) number \(String(repeating: "0", count: 5 - "\(number)".count))\(number)"
  }

  /// Puts under a few hundred keys of the main tree.
  static func puts(
    _ count: Int, of bytes: ClosedRange<Int>, _ random: inout SplitMix64
  ) -> [Change] {
    (0..<count).map { _ in
      let key = "key \(random.below(300))"
      return put("main", key, random.bytes(bytes.lowerBound + random.below(bytes.count)))
    }
  }
}
