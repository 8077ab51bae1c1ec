// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ChangeJournal
import Records

/// `recordctl status`.
struct Status: StoreCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell what the store holds, how far it is, and what waits.")

  @OptionGroup var common: CommonOptions

  func execute(in context: Context) throws -> ExitStatus {
    let store = try context.openToRead()
    defer { try? store.close() }
    let status = try store.status()
    try Reporter(context.format ?? .text).report([
      "store": .text(context.store),
      "storeID": .text("\(status.storeID)"),
      "origin": .text("\(status.origin)"),
      "position": .text("\(status.applied)"),
      "transactions": .unsigned(status.applied.entries.reduce(0) { $0 &+ $1.sequence }),
      "clock": .text(status.clock.timeText),
      "collections": .array(status.collections.map(Self.item)),
      "held": .array(status.held.map(Self.item)),
    ])
    let now = Environment.system.now()
    let latest = now + AdmissionPolicy.defaultMaximumAhead
    if status.clock.milliseconds > latest {
      context.log.notice(
        "the store's clock is ahead of this machine's: peers put aside what is written here until "
          + CalendarTime.text(milliseconds: status.clock.milliseconds - (latest - now)))
    }
    return .success
  }

  private static func item(_ collection: StoreStatus.Collection) -> Item {
    [
      "name": .text(collection.name),
      "records": .unsigned(collection.records),
      "tombstones": .unsigned(collection.tombstones),
    ]
  }

  private static func item(_ held: StoreStatus.Held) -> Item {
    let reason: (word: Item, dot: Item, why: Item) =
      switch held.reason {
      case .tooFarAhead: ("ahead", .null, .null)
      case .waiting(let dot): ("waiting", .text("\(dot)"), .null)
      case .refused(let why): ("refused", .null, .text(why))
      }
    return [
      "transaction": .text("\(held.dot)"),
      "written": .text(held.timestamp.timeText),
      "operations": Item(held.operationCount),
      "reason": reason.word,
      "waitsFor": reason.dot,
      "problem": reason.why,
      "release": Item(held.release.map { CalendarTime.text(milliseconds: $0) }),
    ]
  }
}
