// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport

extension TranscriptVerifier {
  /// Checks that after a power cut in call number `call` a store has the named snapshots it must
  /// have, perhaps such as were being made or dropped, and no others; and that each reads as it
  /// did.
  func verifySnapshots(of database: Database, cutAt call: Int) throws {
    let found = try database.namedSnapshots()
    for snapshot in transcript.snapshots {
      let isPromised = snapshot.madeAt.map { $0 <= call } ?? false
      let isKept = snapshot.dropBegan.map { $0 > call } ?? true
      if isPromised, isKept, !found.contains(where: { $0.name == snapshot.name }) {
        throw TestFailure("snapshot \(snapshot.name) was promised and is lost")
      }
    }
    for snapshot in found {
      let possible = transcript.snapshots.filter {
        $0.name == snapshot.name && $0.began <= call && ($0.droppedAt.map { $0 > call } ?? true)
      }
      let view = try database.snapshot(named: snapshot.name)
      let present = try Marks.present(in: view)
      guard possible.contains(where: { $0.present == present }) else {
        throw TestFailure(
          "snapshot \(snapshot.name) holds \(present), not \(possible.map(\.present))")
      }
      do {
        try verify(view, holds: present)
      } catch {
        throw TestFailure("snapshot \(snapshot.name): \(error)")
      }
    }
  }

  /// Drops all named snapshots.
  func dropSnapshots(of database: Database) throws {
    for snapshot in try database.namedSnapshots() {
      try database.dropSnapshot(named: snapshot.name)
    }
  }
}
