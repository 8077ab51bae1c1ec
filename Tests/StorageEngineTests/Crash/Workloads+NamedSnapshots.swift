// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// Scripts that keep states under names.
extension Workload {
  static let namedSnapshots = Workload(
    name: "named snapshots",
    steps: {
      var random = SplitMix64(seed: 1000)
      func some() -> Step { .commit(puts(25, of: 20...900, &random)) }
      func large() -> Step { .commit([put("main", "large", random.bytes(90_000))]) }
      return [
        some(), large(), .keep("a"), some(), .checkpoint, large(), .keep("b"), some(),
        .commit([put("main", "paged", random.bytes(9000))]), .checkpoint, some(), .giveUp("a"),
        some(), .keep("a"), large(), .checkpoint, .giveUp("b"), .checkpoint, some(), .giveUp("a"),
        some(), .checkpoint, some(), .checkpoint, some(),
      ]
    }())

  static let namedSnapshotsOverRestarts = Workload(
    name: "named snapshots over restarts",
    steps: {
      var random = SplitMix64(seed: 1001)
      func some() -> Step { .commit(puts(40, of: 20...900, &random)) }
      func big(_ name: String, _ bytes: Int) -> Step {
        .commit([put("main", name, random.bytes(bytes))])
      }
      let entries = (0..<40).map { put("other", key(1, $0), random.bytes(300)) }
      let tree: [Change] = [.createTree("other")] + entries
      return [
        some(), big("runs", 150_000), big("paged", 20_000),
        .commit(tree + [put("other", "runs", random.bytes(80_000))]), .keep("a"), some(),
        big("runs", 70_000), .keep("b"), .commit([.dropTree("other")]), .checkpoint,
        big("paged", 10_000), .reopen, some(), .giveUp("a"), some(), .checkpoint, .keep("c"),
        some(), .reopen, big("runs", 80_000), .giveUp("b"), .giveUp("c"), .checkpoint, some(),
        .checkpoint, some(),
      ]
    }())

  /// A random script in which up to four states are kept at a time.
  static func randomWithNames(seed: UInt64, length: Int = 60) -> Workload {
    var random = SplitMix64(seed: seed)
    var names: [String] = []
    var steps: [Step] = [.commit(puts(100, of: 1...400, &random))]
    for number in 0..<length {
      switch random.below(16) {
      case 0: steps.append(.reopen)
      case 1, 2: steps.append(.checkpoint)
      case 3: steps.append(.runScheduled)
      case 4, 5, 6:
        if names.count < 4 {
          names.append("name \(number)")
          steps.append(.keep("name \(number)"))
        }
      case 7, 8:
        if let name = names.randomElement(using: &random) {
          names.removeAll { $0 == name }
          steps.append(.giveUp(name))
        }
      case 9: steps.append(random.below(3) == 0 ? .compact : .snapshot)
      case 10:
        let value = random.bytes(40_000 + random.below(60_000))
        steps.append(.commit([put("main", "big", value)]))
      case 11:
        let keys = (0..<30).map { _ in "key \(random.below(300))" }
        steps.append(.commit(keys.map { delete("main", $0) }))
      default: steps.append(.commit(puts(1 + random.below(40), of: 0...300, &random)))
      }
    }
    return Workload(
      name: "random with names \(seed)", checkpointBytes: 256 << 10, steps: steps)
  }
}
