// SPDX-License-Identifier: Apache-2.0

import Peers
import Workloads

/// The engines by the names that command lines use; the store's own is the first.
enum EngineKinds {
  static let all: [(name: String, kind: any MeasuredEngineKind)] =
    [("store", StorageEngineKind())] + PeerKinds.named

  /// Those that are measured unless others are named: all, so that the best settings of a peer count
  /// in each row.
  static let usual = all.map(\.name)

  static func kind(_ name: String) throws -> any MeasuredEngineKind {
    guard let found = all.first(where: { $0.name == name }) else {
      let names = all.map(\.name).joined(separator: ", ")
      throw BenchmarkFailure("there is no engine \(name), but \(names)")
    }
    return found.kind
  }
}
