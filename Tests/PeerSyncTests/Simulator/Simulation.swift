// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import Records
import TestSupport

/// Several replicas, a bad network, bad clocks and bad disks, all driven by one seed.
///
/// Everything that could happen next waits in `pending`; each step picks one of those that are
/// due, or lets time pass, or makes something happen: a local write, a new session, a clock that
/// jumps, a power cut.
final class Simulation {
  /// How bad the world is.
  struct Faults {
    var drop = 3
    var duplicate = 5
    var cut = 3
    var flip = 1
    var kill = 1
    var clock = 1

    static let none = Faults(drop: 0, duplicate: 0, cut: 0, flip: 0, kill: 0, clock: 0)
  }

  private enum Happening {
    case effect(SyncSession.Effect)
    case request(WireRequest, exchange: Int)
    case answer(WireAnswer, exchange: Int)

    var isRequest: Bool {
      if case .request = self { true } else { false }
    }
  }

  private struct Pending {
    let due: UInt64
    let session: SimulatedSession
    let happening: Happening
  }

  let seed: UInt64
  private(set) var random: SplitMix64
  private(set) var replicas: [SimulatedReplica] = []
  private(set) var trace = Hasher256()
  private(set) var tally = Tally()
  private let links: [(Int, Int)]
  private var faults = Faults()
  private var now: UInt64 = 1_900_000_000_000
  private var pending: [Pending] = []
  private var sessions: [SimulatedSession] = []
  private var sessionCount = 0

  /// What the seed made happen.
  struct Tally {
    var writes = 0
    var sessions = 0
    var finished = 0
    var kills = 0
    var drops = 0
    var duplicates = 0
    var cuts = 0
    var flips = 0
    var clockJumps = 0
    var heldSeen = 0
  }

  init(seed: UInt64, replicaCount: Int = 3) throws {
    self.seed = seed
    random = SplitMix64(seed: seed)
    for index in 0..<replicaCount {
      replicas.append(
        try SimulatedReplica(name: "replica \(index)", seed: random.next(), now: now))
    }
    links = Self.links(replicaCount, &random)
    // One data set: in half of the runs the others adopt it when they first meet.
    if random.chance(1, in: 2) {
      for replica in replicas.dropFirst() { try replica.store.adopt(replicas[0].store.storeID) }
    } else {
      try write(on: 0)
      for replica in replicas.dropFirst() { try replica.store.adopt(replicas[0].store.storeID) }
    }
  }

  /// A chain, a star, or everyone with everyone.
  private static func links(_ count: Int, _ random: inout SplitMix64) -> [(Int, Int)] {
    let chain = (1..<count).map { ($0 - 1, $0) }
    switch random.below(3) {
    case 0: return chain
    case 1: return (1..<count).map { (0, $0) }
    default: return (0..<count).flatMap { one in (one + 1..<count).map { (one, $0) } } + chain
    }
  }

  // MARK: - The bad times

  /// Lets so many things happen.
  func run(steps: Int) throws {
    for step in 0..<steps {
      try self.step()
      if step % 400 == 399 { try replicas[random.below(replicas.count)].checkAgainstModel() }
    }
  }

  private func step() throws {
    note(UInt64(pending.count))
    switch random.below(100) {
    case 0..<8: try write(on: random.below(replicas.count))
    case 8..<16: try startSession()
    case 16..<20: advance(by: UInt64(random.below(30_000)))
    case 20 where random.chance(faults.clock, in: 2): jumpClock()
    case 21 where random.chance(faults.kill, in: 2):
      replicas[random.below(replicas.count)].stopSoon(after: random.below(40))
    case 22: replicas[random.below(replicas.count)].disk.scheduler.runAll()
    case 23 where faults.kill > 0: try kill(random.below(replicas.count))
    default: try happen()
    }
    for index in replicas.indices where replicas[index].disk.disk.isStopped { try kill(index) }
    sessions.removeAll { $0.hasEnded }
  }

  private func write(on index: Int) throws {
    let replica = replicas[index]
    let isWritten = try replica.perform { store in
      try store.write { try Workload.change($0, &random) }
      return true
    }
    if isWritten == true { tally.writes += 1 }
  }

  private func startSession() throws {
    guard sessions.count < 6 else { return }
    let link = links[random.below(links.count)]
    let (one, two) = random.chance(1, in: 2) ? link : (link.1, link.0)
    var options = SyncOptions()
    options.direction = [.pull, .push, .both, .both][random.below(4)]
    options.pullBytes = [200, 1000, 4 << 20][random.below(3)]
    options.pushBytes = [200, 1000, 4 << 20][random.below(3)]
    try start(one, two, options)
  }

  private func start(_ one: Int, _ two: Int, _ options: SyncOptions) throws {
    sessionCount += 1
    tally.sessions += 1
    let session = SimulatedSession(
      number: sessionCount, initiator: one, responder: two, options: options)
    sessions.append(session)
    try drive(session, .start)
  }

  private func advance(by milliseconds: UInt64) {
    now += milliseconds
    for replica in replicas { replica.clock.set(now: now) }
  }

  private func jumpClock() {
    let skews: [Int64] = [-86_400_000, -5000, -1, 0, 0, 3000, 45_000, 600_000, 86_400_000]
    replicas[random.below(replicas.count)].clock.set(skew: skews[random.below(skews.count)])
    tally.clockJumps += 1
  }

  private func kill(_ index: Int) throws {
    let variants = CrashVariant.allCases
    try replicas[index].restart(variants[random.below(variants.count)], seed: random.next())
    tally.kills += 1
    pending.removeAll { $0.session.initiator == index && !$0.happening.isRequest }
    sessions.removeAll { $0.initiator == index }
  }

  // MARK: - Sessions

  /// Takes one of the things that are due, or waits for the next.
  private func happen() throws {
    let soonest = pending.map(\.due).min() ?? now + 1000
    if soonest > now { advance(by: soonest - now) }
    for session in sessions { try drive(session, .tick) }
    let due = pending.indices.filter { pending[$0].due <= now }
    guard !due.isEmpty else { return }
    let next = pending.remove(at: due[random.below(due.count)])
    switch next.happening {
    case .effect(let effect): try perform(effect, next.session)
    case .request(let request, let exchange): try deliver(request, exchange, next.session)
    case .answer(let answer, let exchange):
      guard next.session.accepts(exchange) else { return }
      for event in next.session.events(for: answer) { try drive(next.session, event) }
    }
  }

  private func drive(_ session: SimulatedSession, _ event: SyncSession.Event) throws {
    let effects = session.handle(event, at: now)
    for effect in effects {
      if case .request(let request) = effect {
        try send(request, session)
      } else {
        let due = now + UInt64(random.below(20))
        pending.append(Pending(due: due, session: session, happening: .effect(effect)))
      }
    }
    if session.report != nil { tally.finished += 1 }
    try checkFailure(of: session)
  }

  /// In a world without copied files no session may ever speak of forks, lost transactions, or
  /// damage that the network did not do.
  private func checkFailure(of session: SimulatedSession) throws {
    guard let failure = session.failure else { return }
    switch failure.code {
    case .unreachable, .timeout: return
    case .corrupt where session.isTampered: return
    default: throw TestFailure("session \(session.number) failed: \(failure.code): \(failure)")
    }
  }

  private func perform(_ effect: SyncSession.Effect, _ session: SimulatedSession) throws {
    guard !session.hasEnded else { return }
    let replica = replicas[session.initiator]
    do {
      let event = try replica.perform { store in
        try session.perform(effect, store, clock: replica.clock.reading)
      }
      if case .taken(let outcome)? = event { tally.heldSeen += Int(outcome.held) }
      if let event { try drive(session, event) }
    } catch let error as TestFailure {
      throw error
    } catch {
      try drive(session, .failed(SyncError(error)))
    }
  }

  private func deliver(
    _ request: WireRequest, _ exchange: Int, _ session: SimulatedSession
  ) throws {
    let responder = WireResponder(replica: replicas[session.responder])
    guard let answer = try responder.answer(request) else { return }
    let damage = damage(mayFlip: answer.mayFlip, session)
    transmit(.answer(answer.damaged(by: damage), exchange: exchange), session)
  }

  private func send(_ request: SyncRequest, _ session: SimulatedSession) throws {
    let exchange = session.nextExchange()
    guard !session.isBroken else {
      transmit(.answer(.refusal(.unreachable("cut")), exchange: exchange), session)
      return
    }
    let request = try WireRequest(request)
    let damage = damage(mayFlip: request.mayFlip, session)
    transmit(.request(request.damaged(by: damage), exchange: exchange), session)
  }

  private func damage(mayFlip: Bool, _ session: SimulatedSession) -> Damage {
    if random.chance(faults.cut, in: 100) {
      tally.cuts += 1
      return .cut(random.below(256))
    }
    if mayFlip, random.chance(faults.flip, in: 100) {
      tally.flips += 1
      session.isTampered = true
      return .flip(random.below(65536))
    }
    return .none
  }

  private func transmit(_ happening: Happening, _ session: SimulatedSession) {
    if random.chance(faults.drop, in: 100) {
      tally.drops += 1
      return
    }
    var copies = 1
    if random.chance(faults.duplicate, in: 100) {
      tally.duplicates += 1
      copies = 2
    }
    for _ in 0..<copies {
      let isLate = faults.drop > 0 && random.chance(1, in: 30)
      let delay = UInt64(random.below(isLate ? 120_000 : 200))
      pending.append(Pending(due: now + delay, session: session, happening: happening))
    }
  }

  // MARK: - Healing

  /// Ends all faults, lets every clock be right and far enough that nothing is held, syncs along
  /// the links until all have everything, and compares.
  func heal() throws {
    faults = .none
    pending = []
    sessions = []
    for replica in replicas {
      replica.clock.set(skew: 0)
      replica.keepRunning()
    }
    advance(by: 3 * 86_400_000)
    for _ in 0..<replicas.count {
      for link in links {
        try start(link.0, link.1, SyncOptions())
        try finishSessions()
      }
    }
    try compare()
  }

  private func finishSessions() throws {
    while let session = sessions.first {
      try happen()
      if let failure = session.failure {
        throw TestFailure("a session failed in a world without faults: \(failure)")
      }
      sessions.removeAll { $0.hasEnded }
    }
  }

  private func compare() throws {
    let first = replicas[0]
    let vector = try first.store.appliedVector()
    let state = try first.stateBytes()
    for replica in replicas {
      let held = try replica.store.status().held
      guard held.isEmpty else { throw TestFailure("\(replica.name) still holds \(held)") }
      guard try replica.store.appliedVector() == vector else {
        throw TestFailure("\(replica.name) has not the same transactions as \(first.name)")
      }
      try replica.checkAgainstModel()
      guard try replica.lines() == first.lines(), try replica.stateBytes() == state else {
        throw TestFailure("\(replica.name) and \(first.name) differ")
      }
      try replica.disk.check()
    }
    trace.update(state)
  }

  private func note(_ number: UInt64) {
    trace.update((0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
    trace.update((0..<8).map { UInt8(truncatingIfNeeded: now >> (8 * $0)) })
  }
}
