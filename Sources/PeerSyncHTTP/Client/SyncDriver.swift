// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ChangeJournal
import NIOCore
import NIOPosix
import PeerSync
import Synchronization

/// Performs the effects of a session over a connection: each in a task of its own, the store's
/// calls on threads that may block.
struct SyncDriver<Store: ReplicaStore>: Sendable {
  typealias Events = AsyncStream<SyncSession.Event>

  let store: Store
  let connection: PeerConnection
  let threads: NIOThreadPool
  let clock: @Sendable () -> UInt64

  /// Runs a session to its end.
  func run(
    _ options: SyncOptions, progress: @Sendable (SyncProgress) -> Void
  ) async -> Result<SyncReport, SyncError> {
    let (events, source) = Events.makeStream()
    let journal = JournalBatches(store: store)
    let (demands, demand) = AsyncStream<PullDemand>.makeStream()
    return await withDiscardingTaskGroup { group in
      defer {
        demand.finish()
        group.cancelAll()
      }
      group.addTask { await pull(demands, source) }
      var session = SyncSession(options: options)
      source.yield(.start)
      for await event in events {
        for effect in session.handle(event, at: Self.milliseconds) {
          switch effect {
          case .finished(let report): return .success(report)
          case .failed(let error): return .failure(error)
          case .progress(let state): progress(state)
          case .openJournal(let position): journal.open(at: position)
          case .request(.pull(let since, let bytes)):
            demand.yield(PullDemand(since: since, bytes: bytes))
          case .request(.hello(let hello)):
            group.addTask { await ask(source) { .hello(try await connection.exchange(hello)) } }
          case .request(.push(let batch)):
            group.addTask { await ask(source) { try await push(batch) } }
          case .examine(let dots):
            group.addTask { await work(source) { .examined(try facts(dots)) } }
          case .adopt(let storeID, let force):
            group.addTask { await work(source) { try adopt(storeID, force) } }
          case .take(let batch, let storeID):
            group.addTask { await work(source) { .taken(try store.take(batch, of: storeID)) } }
          case .read(let bytes):
            group.addTask { await work(source) { try journal.next(bytes) } }
          }
        }
      }
      return .failure(.unreachable("cancelled"))
    }
  }

  private func facts(_ dots: [Dot]) throws -> ReplicaFacts {
    try store.facts(hashesAt: dots, clock: clock())
  }

  private func adopt(_ storeID: StoreID, _ force: Bool) throws -> SyncSession.Event {
    try store.adopt(storeID, force: force)
    return .adopted
  }

  private func push(_ batch: SentBatch) async throws(SyncError) -> SyncAnswer {
    let (acknowledgement, bytes) = try await connection.push(batch)
    return .acknowledgement(acknowledgement, bytes: bytes)
  }

  /// Runs a call of the store on a thread that may block.
  private func work(
    _ source: Events.Continuation, _ body: @escaping @Sendable () throws -> SyncSession.Event
  ) async {
    do {
      source.yield(try await threads.runIfActive(body))
    } catch {
      source.yield(.failed(SyncError(error)))
    }
  }

  private func ask(
    _ source: Events.Continuation, _ body: () async throws -> SyncAnswer
  ) async {
    do {
      source.yield(.answered(try await body()))
    } catch {
      source.yield(.refused(SyncError(carrier: error)))
    }
  }

  private static var milliseconds: UInt64 {
    let duration = ContinuousClock.now - start
    return UInt64(max(0, duration.components.seconds)) &* 1000
      &+ UInt64(max(0, duration.components.attoseconds / 1_000_000_000_000_000))
  }
}

/// Where a process counts its milliseconds from.
private let start = ContinuousClock.now

/// The session asks for more.
struct PullDemand: Sendable {
  let since: VersionVector
  let bytes: Int
}

extension SyncDriver {
  /// Answers the session's demands from one streamed response.
  ///
  /// The first demand says where it starts; the later ones continue from there, so their position
  /// needs no request.
  private func pull(
    _ demands: AsyncStream<PullDemand>, _ source: Events.Continuation
  ) async {
    var demands = demands.makeAsyncIterator()
    guard var demand = await demands.next() else { return }
    do {
      let body = try await connection.openJournal(since: demand.since)
      let journal = InboundJournal(
        name: "journal of \(connection.peer)",
        budget: StagingBudget(limit: connection.options.stagingBytes), threads: threads)
      var chunks = body.makeAsyncIterator()
      var storeID: StoreID?
      while true {
        let batch = await journal.nextBatch(from: &chunks, limit: demand.bytes)
        storeID = batch.header?.storeID ?? storeID
        if let storeID, batch.isLast || !batch.transactions.isEmpty {
          source.yield(.answered(.batch(ReceivedBatch(storeID, batch))))
          guard !batch.isLast, let next = await demands.next() else { return }
          demand = next
        }
        if let failure = batch.failure { throw failure }
      }
    } catch {
      source.yield(.refused(SyncError(carrier: error)))
    }
  }
}

extension ReceivedBatch {
  fileprivate init(_ storeID: StoreID, _ batch: InboundJournal.Batch) {
    self.init(
      storeID: storeID, transactions: batch.transactions, isLast: batch.isLast,
      bytes: batch.storedByteCount)
  }
}

/// Reads the store's journal batch by batch.
private final class JournalBatches<Store: ReplicaStore>: Sendable {
  private struct State {
    var position = VersionVector()
    var journal: Store.Journal?
  }

  private let store: Store
  private let state = Mutex(State())

  init(store: Store) {
    self.store = store
  }

  /// Lets the next batch begin behind a position.
  func open(at position: VersionVector) {
    state.withLock { $0 = State(position: position) }
  }

  /// Reads at least one transaction, and on until there are so many bytes.
  func next(_ byteCount: Int) throws -> SyncSession.Event {
    try state.withLock { state in
      if state.journal == nil {
        state.journal = try store.transactions(since: state.position).journal
      }
      var batch: [EncodedTransaction] = []
      var count = 0
      while count < byteCount {
        guard let transaction = try state.journal?.next() else {
          return .read(batch, isLast: true)
        }
        count += transaction.bytes.count
        batch.append(transaction)
      }
      return .read(batch, isLast: false)
    }
  }
}
