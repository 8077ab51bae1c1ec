// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import Records
import TestSupport
import Testing

@testable import PeerSyncHTTP

/// Three stores edited offline, synced over real sockets.
///
/// `RECORD_STORE_SEED` repeats a run.
@Suite struct ConvergenceTests {
  /// What three stores write while they do not see each other, and what they must still have.
  final class World {
    private(set) var replicas: [NetworkReplica] = []
    var random: SplitMix64
    /// Transactions that each store has written; none may ever be missing.
    private var written: [UInt64] = [0, 0, 0]

    init(seed: UInt64) throws {
      random = SplitMix64(seed: seed)
      for number in 0..<3 {
        replicas.append(try NetworkReplica(seed: seed &+ UInt64(number) &* 977))
      }
    }

    /// Each store changes records of its own, the same fields as the others, and a large value.
    func edit(largeBytes: Int) throws {
      for index in replicas.indices {
        let count = 2 + random.below(4)
        for _ in 0..<count {
          try replicas[index].store.write { transaction in
            let key = RecordKey.integer(Int64(random.below(6)))
            switch random.below(6) {
            case 0: try transaction.delete("people", key)
            case 1...3:
              let value = Value.text("from \(index), \(random.below(1000))")
              try transaction.patch("people", key, [FieldChange(field: "name", value: value)])
            default:
              try transaction.put("own \(index)", key, [.init("n", .integer(Int64(index)))])
            }
          }
        }
        let pieces = 1 + largeBytes / 40_000
        try replicas[index].write(pieces, bytes: largeBytes / pieces, &random)
        written[index] = try own(index)
      }
    }

    /// What a store has written itself.
    private func own(_ index: Int) throws -> UInt64 {
      let store = replicas[index].store
      return try store.appliedVector()[store.origin]
    }

    /// Syncs along a chain there and back, until all have everything.
    func converge(_ options: SyncOptions = SyncOptions()) async throws {
      for (client, server) in [(0, 1), (1, 2), (1, 0), (2, 1)] {
        try await serving(replicas[server].store) { running in
          _ = try await sync(replicas[client].store, running.peer, options)
        }
      }
    }

    /// Checks that all three hold every transaction ever written, and show the same bytes.
    func expectEqual(_ location: SourceLocation = #_sourceLocation) throws {
      let exports = try replicas.map { try $0.exported() }
      #expect(exports[0].count > 1000, sourceLocation: location)
      #expect(exports[0] == exports[1] && exports[1] == exports[2], sourceLocation: location)
      for replica in replicas {
        let applied = try replica.store.appliedVector()
        for (writer, count) in zip(replicas, written) {
          #expect(applied[writer.store.origin] == count, sourceLocation: location)
        }
        #expect(try applied == replicas[0].store.appliedVector(), sourceLocation: location)
        try replica.check()
      }
    }
  }

  @Test(arguments: [SyncOptions.Direction.both, .push, .pull])
  func `stores in a chain end equal, whichever side asks`(
    direction: SyncOptions.Direction
  ) async throws {
    let world = try World(seed: TestEnvironment.seed)
    for _ in 0..<2 {
      try world.edit(largeBytes: 100_000)
      for pair in [(0, 1), (1, 2), (2, 1), (1, 0), (0, 1), (1, 2), (2, 1)] {
        try await serving(world.replicas[pair.1].store) { running in
          _ = try await sync(
            world.replicas[pair.0].store, running.peer, SyncOptions(direction: direction))
        }
      }
    }
    try world.expectEqual()
  }

  @Test func `a connection cut at fifty random points loses nothing that was acknowledged`()
    async throws
  {
    let seed = TestEnvironment.seed
    let world = try World(seed: seed)
    // More than all sessions together can take over before they are cut.
    try world.edit(largeBytes: 8 << 20)
    var cuts = 0
    var halves = 0
    do {
      while cuts < TestEnvironment.count("RECORD_STORE_CUTS", quick: 50) {
        try world.edit(largeBytes: 40_000)
        let outcome = try await cutSession(in: world)
        cuts += outcome.wasCut ? 1 : 0
        halves += outcome.wasCut && outcome.moved > 0 ? 1 : 0
      }
      // Many cuts must have come after a part had been acknowledged, or nothing was tried.
      #expect(halves >= cuts / 5, "\(halves) of \(cuts)")
      try await world.converge()
    } catch {
      Issue.record("RECORD_STORE_SEED=\(seed), after \(cuts) cuts: \(error)")
    }
    try world.expectEqual()
  }

  /// Runs a session that is cut somewhere, then cuts the power of both machines: what a side has
  /// said to be durable must be there.
  private func cutSession(in world: World) async throws -> (wasCut: Bool, moved: UInt64) {
    let client = world.replicas[world.random.below(3)]
    let others = world.replicas.filter { $0 !== client }
    let server = others[world.random.below(2)]
    let before = (client: try client.transactionCount(), server: try server.transactionCount())
    var options = SyncOptions()
    options.direction = [.both, .both, .push, .pull][world.random.below(4)]
    options.pullBytes = 64 << 10
    options.pushBytes = 64 << 10
    let limit = [3000, 500_000, 1_500_000, 1_500_000][world.random.below(4)]
    let bytes = world.random.below(limit)
    let manner = CuttingProxy.Manner.allCases[world.random.below(2)]
    let done = Guarded((pulled: UInt64(0), pushed: UInt64(0)))
    let wasCut = try await serving(server.store) { running in
      let proxy = try await CuttingProxy(to: running.port, bytes: bytes, manner)
      let peer = try PeerAddress(parsing: "127.0.0.1:\(proxy.port)")
      do throws(SyncError) {
        try await sync(client.store, peer, options) { progress in
          done.withLock { done in
            if progress.phase == .pull { done.pulled = progress.done }
            if progress.phase == .push { done.pushed = progress.done }
          }
        }
      } catch {
        #expect(error.code == .unreachable, "\(error.code): \(error)")
      }
      try await proxy.close()
      return proxy.hasCut
    }
    let (pulled, pushed) = done.withLock { $0 }
    try expect(client, toHave: before.client + pulled, world)
    try expect(server, toHave: before.server + pushed, world)
    return (wasCut, pulled + pushed)
  }

  /// Cuts the power of a machine; what it has said to be durable must be there afterwards, whatever
  /// becomes of the rest.
  private func expect(_ replica: NetworkReplica, toHave count: UInt64, _ world: World) throws {
    let variant = CrashVariant.allCases[world.random.below(CrashVariant.allCases.count)]
    try replica.losePower(variant, seed: world.random.next())
    #expect(try replica.transactionCount() >= count, "\(variant)")
  }
}
