// SPDX-License-Identifier: Apache-2.0

@testable import StorageEngine
import TestSupport
import Testing

/// Silent damage: what a disk can do to a store without reporting an error.
///
/// RECORD_STORE_DAMAGE is the number of flipped bits tried for each store, or `all`.
struct DamageTests {
  static let limit =
    TestEnvironment.text("RECORD_STORE_DAMAGE") == "all"
    ? Int.max : TestEnvironment.count("RECORD_STORE_DAMAGE", quick: 4000)

  enum Kind: CaseIterable {
    case closed, logged

    func subject() throws -> DamageSubject {
      switch self {
      case .closed: try .closed()
      case .logged: try .logged()
      }
    }
  }

  @Test(arguments: Kind.allCases)
  func `an undamaged store is found right`(_ kind: Kind) throws {
    let subject = try kind.subject()
    #expect(try subject.probe(subject.image, mayLose: 0) == .harmless)
  }

  @Test(arguments: Kind.allCases)
  func `a flipped bit is detected or harmless`(_ kind: Kind) throws {
    let subject = try kind.subject()
    var random = SplitMix64(seed: TestEnvironment.seed)
    var places = subject.usedBlocks.flatMap { block in
      (0..<UInt64(4096 * 8)).map { block * 8 + $0 }
    }
    if places.count > Self.limit {
      places.shuffle(using: &random)
      places.removeLast(places.count - Self.limit)
    }
    // Bits of unused blocks too: a free page may be used next, a free log block comes next.
    for _ in 0..<200 { places.append(UInt64(random.below(Int(subject.image.length) * 8))) }
    var trial = DamageTrial(subject)
    for bit in places {
      trial.attempt("bit \(bit % 8) of byte \(bit / 8)") { image in
        image.flip(1 << UInt8(bit % 8), at: bit / 8)
      }
      if trial.isFull { break }
    }
    trial.publish()
    #expect(trial.outcomes[.refused, default: 0] + trial.outcomes[.reported, default: 0] > 0)
  }

  /// Leaves, pages of values and runs, all damaged at once.
  @Test
  func `one check names every page that is damaged`() throws {
    let disk = SimulatedDisk()
    let store = try TestStore(on: disk)
    var random = SplitMix64(seed: TestEnvironment.seed)
    for tree in ["first", "second"] {
      try store.commit(
        [.createTree(tree)]
          + (0..<300).map { Workload.put(tree, Workload.key(0, $0), random.bytes(100)) }
          + [Workload.put(tree, "paged", random.bytes(20_000))]
          + [Workload.put(tree, "runs", random.bytes(100_000))])
    }
    try store.database.close()
    var image = disk.image
    let intact = try TestStore(opening: SimulatedDisk(image))
    let leaves = try intact.database.information().trees.reduce(0) { $0 + $1.leafPages }
    let pages = try intact.database.check().pagesRead
    try intact.database.close()
    for start in stride(from: UInt64(8192), to: image.length, by: 4096) {
      let kind = image.bytes(1, at: start + UInt64(PageLayout.kind))
      if kind == [PageKind.leaf.rawValue] { image.flip(1, at: start + 4000) }
    }
    let damaged = try TestStore(opening: SimulatedDisk(image))
    let report = try damaged.database.check()
    #expect(report.faults.count == Int(leaves), "\(report.faults)")
    #expect(report.pagesRead < pages)
    try damaged.database.close()
  }

  @Test(arguments: Kind.allCases)
  func `a zeroed, stale, swapped or misplaced block is detected or harmless`(
    _ kind: Kind
  ) throws {
    let subject = try kind.subject()
    let blocks = subject.usedBlocks
    let block = DamageSubject.blockBytes
    var random = SplitMix64(seed: TestEnvironment.seed)
    var trial = DamageTrial(subject)
    for place in blocks {
      trial.attempt("zeroed block at \(place)") { $0.zero(block, at: place) }
      trial.attempt("block of noise at \(place)") {
        $0.write(random.bytes(block)[...], at: place)
      }
      for (age, earlier) in subject.earlier.enumerated()
      where place + UInt64(block) <= earlier.length {
        trial.attempt("block at \(place) as it was at time \(age)") {
          $0.copy(block, from: earlier, at: place, to: place)
        }
      }
      for _ in 0..<8 {
        let other = blocks[random.below(blocks.count)]
        trial.attempt("blocks \(place) and \(other) swapped") {
          $0.swap(block, at: place, and: other)
        }
        trial.attempt("block \(other) written to \(place)") {
          $0.copy(block, from: subject.image, at: other, to: place)
        }
      }
      if trial.isFull { break }
    }
    trial.publish()
  }

  @Test(arguments: Kind.allCases)
  func `a store that was cut short is refused or harmless`(_ kind: Kind) throws {
    let subject = try kind.subject()
    var lengths = Array(stride(from: 0, to: subject.image.length, by: 4096))
    lengths += (0..<2000).map { UInt64($0) * 8 }
    var trial = DamageTrial(subject)
    for length in lengths where length < subject.image.length {
      trial.attempt("cut at \(length)", mayRefuseAsForeign: length < 64 << 10) {
        $0.setLength(length)
      }
      if trial.isFull { break }
    }
    trial.publish()
  }

  @Test(arguments: Kind.allCases)
  func `bytes appended by someone else are refused or harmless`(_ kind: Kind) throws {
    let subject = try kind.subject()
    var random = SplitMix64(seed: TestEnvironment.seed)
    var trial = DamageTrial(subject)
    for count in [1, 511, 4096, 4097, 1 << 20, (1 << 20) + 4096] {
      let noise = random.bytes(count)
      trial.attempt("\(count) bytes appended") { $0.write(noise[...], at: subject.image.length) }
    }
    trial.publish()
  }

  @Test
  func `a file that is none of ours is refused`() throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    var files: [[UInt8]] = [[], [0], Array("SQLite format 3\0".utf8)]
    for count in [1, 100, 4095, 4096, 8192, 65_536, 1 << 20] {
      files.append([UInt8](repeating: 0, count: count))
      files.append([UInt8](repeating: 0xFF, count: count))
      files.append(random.bytes(count))
      files.append(Array(repeatElement(Array("plain text\n".utf8), count: count / 11 + 1).joined()))
    }
    for file in files {
      let disk = SimulatedDisk(DiskImage(file))
      let configuration = Configuration.testing(scheduler: ManualScheduler())
      do {
        _ = try Database.open(on: disk, configuration: configuration)
        Issue.record("\(file.count) bytes were opened")
      } catch EngineError.notAStore {
      } catch EngineError.corrupt {
      } catch {
        Issue.record("\(file.count) bytes: \(error)")
      }
    }
  }
}

/// Many sorts of damage to one store, with their outcomes.
struct DamageTrial {
  private let subject: DamageSubject
  private var failures: FailureReport
  private(set) var outcomes: [DamageOutcome: Int] = [:]

  init(_ subject: DamageSubject) {
    self.subject = subject
    failures = FailureReport(subject.workload)
  }

  var isFull: Bool { failures.isFull }

  mutating func attempt(
    _ description: String, mayRefuseAsForeign: Bool = false, _ damage: (inout DiskImage) -> Void
  ) {
    var image = subject.image
    damage(&image)
    var outcome: DamageOutcome?
    failures.collect(description) {
      do {
        outcome = try subject.probe(image)
      } catch EngineError.notAStore where mayRefuseAsForeign {
        outcome = .refused
      }
    }
    if let outcome { outcomes[outcome, default: 0] += 1 }
  }

  func publish() {
    failures.publish()
  }
}
