// SPDX-License-Identifier: Apache-2.0

@testable import DurableMemory
import StorageEngine
import TestSupport
import Testing

// The model and the commands of docs/PREVALENT-SYSTEM.md.

struct Harbour: Codable, Sendable {
  var berths: [Int: String] = [:]
  var log: [UInt64] = []
}

enum HarbourError: Error {
  case berthTaken(by: String)
  case noShip
}

struct Moor: Command, Codable {
  var ship: String
  var berth: Int

  func validate(_ model: Harbour, in context: inout CommandContext) throws {
    if let other = model.berths[berth] { throw HarbourError.berthTaken(by: other) }
  }

  func execute(on model: inout Harbour, in context: inout CommandContext) -> UInt64 {
    model.berths[berth] = ship
    model.log.append(context.now)
    context.emit("\(ship) is at berth \(berth)")
    return context.number
  }
}

struct CastOff: Command, Codable {
  var berth: Int

  func execute(on model: inout Harbour, in context: inout CommandContext) throws -> String {
    guard let ship = model.berths.removeValue(forKey: berth) else { throw HarbourError.noShip }
    return ship
  }
}

/// The form of `Moor` before a harbour had more than one pier.
struct OldMoor: Codable {
  var name: String
}

/// The examples of docs/PREVALENT-SYSTEM.md, compiled and run.
struct GuideTests {
  @Test func `every example of the guide is one of these, line by line`() throws {
    let guide = try SourceTree.text("docs/PREVALENT-SYSTEM.md")
    let path = "Tests/DurableMemoryTests/Prevalence/GuideTests.swift"
    let source = Self.lines(try SourceTree.text(path))
    let examples = guide.matches(of: /(?s)```swift\n(.*?)```/).map { Self.lines(String($0.1)) }
    #expect(examples.count == 8)
    for example in examples {
      let starts = source.indices.filter { source[$0...].starts(with: example) }
      #expect(starts.count == 1, "\(example.joined(separator: "\n"))")
    }
  }

  @Test func `every scenario is a test or has its reason in the guide`() throws {
    let guide = try SourceTree.text("docs/PREVALENT-SYSTEM.md")
    var found = Set(guide.matches(of: /(?m)^\| P([0-9]+)/).compactMap { Int($0.1) })
    let files = [
      "PrevalentBasic", "Codec", "PrevalentCrash", "PrevalentDamage", "Determinism", "Durability",
      "Event", "History", "Image", "Journal", "Migration", "ModelBased", "Process", "Query",
      "Rollback",
    ]
    for file in files {
      let text = try SourceTree.text("Tests/DurableMemoryTests/Prevalence/\(file)Tests.swift")
      for name in text.matches(of: /`[^`]*\((P[0-9, P]+)\)`/) {
        found.formUnion(name.1.matches(of: /P([0-9]+)/).compactMap { Int($0.1) })
      }
    }
    #expect(Set(1...220).subtracting(found).sorted() == [])
    #expect(found.allSatisfy { (1...220).contains($0) })
  }

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
  }

  @Test func `the examples do what the guide says`() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/harbour.store"
      let registry = CommandRegistry<Harbour>(Moor.self, CastOff.self)
      let harbour = try PrevalentSystem.open(at: path, registry, options: PrevalentOptions()) {
        Harbour()
      }
      let number = try harbour.execute(Moor(ship: "Rickmer Rickmers", berth: 3))
      do {
        try harbour.execute(Moor(ship: "Cap San Diego", berth: 3))
      } catch HarbourError.berthTaken(let other) {
        print("\(other) lies there")
      }
      let ships = try harbour.query { $0.berths.values.sorted() }
      try harbour.close()
      #expect(number == 1)
      #expect(ships == ["Rickmer Rickmers"])
      try further(path, registry)
    }
  }

  private func further(_ path: String, _ registry: CommandRegistry<Harbour>) throws {
    var options = PrevalentOptions<Harbour>()
    options.durability = .interval(.milliseconds(50))
    options.images = ImagePolicy(everyCommands: 100_000, keptImages: 3)
    options.hashInterval = 1000
    options.onEvents = { number, events in print("command \(number): \(events)") }
    options.onFailure = { error in print("in the background: \(error)") }
    let harbour = try PrevalentSystem.open(at: path, registry, options: options)

    let first = try harbour.submit(Moor(ship: "Cap San Diego", berth: 1))
    let second = try harbour.submit(CastOff(berth: 3))
    try second.wait()
    #expect(first.number == 2)

    let view = try harbour.view()
    try harbour.execute(CastOff(berth: 1))
    let before = view.model.berths.count  // 1
    let after = try harbour.query { model, moment in (moment.number, model.berths.count) }
    // 4, 0
    #expect(before == 1)
    #expect(after == (4, 0))

    try harbour.writeImage()
    let past = try harbour.past(.command(1))
    #expect(past.model.berths == [3: "Rickmer Rickmers"])

    try replicate(harbour, registry)
    try harbour.close()
  }

  private func replicate(
    _ harbour: PrevalentSystem<Harbour>, _ registry: CommandRegistry<Harbour>
  ) throws {
    var options = PrevalentOptions<Harbour>()
    options.seed = harbour.seed
    let replica = try PrevalentSystem.inMemory(registry, options: options) { Harbour() }
    for entry in try harbour.entries(after: replica.lastCommand) { try replica.follow(entry) }
    #expect(replica.lastCommand == 4)
    try replica.close()
  }

  @Test func `older commands are read through upgrades`() {
    var registry = CommandRegistry<Harbour>(Moor.self, CastOff.self)
    registry.upgrade("Anchor", version: 1, from: OldMoor.self) { Moor(ship: $0.name, berth: 1) }
    #expect(registry.forms.count == 3)
  }
}
