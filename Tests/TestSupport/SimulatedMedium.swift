// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine

/// What the handles of one simulated disk share.
final class SimulatedMedium: Sendable {
  let state: Guarded<State>

  init(_ image: DiskImage, capacity: UInt64, recordsHistory: Bool) {
    state = Guarded(State(image, capacity: capacity, recordsHistory: recordsHistory))
  }

  /// What happened between two successful flushes.
  struct Epoch: Sendable {
    /// What was durable at its start, but for `layers`.
    var base: DiskImage
    /// What came on top of `base` once a flush had failed.
    var layers: [Layer] = []
    /// What was done since, in order.
    var effects: [Effect] = []
    /// The number of the first call in it.
    var firstCall: Int
  }

  /// Effects on top of a base: certainly durable, or, after a failed flush, for ever uncertain.
  struct Layer: Sendable {
    let effects: [Effect]
    let isCertain: Bool
  }

  struct State: Sendable {
    static let alignment = 4096

    /// What a reader sees.
    var live: DiskImage
    /// Without history only the last.
    var epochs: [Epoch]
    var capacity: UInt64
    let recordsHistory: Bool

    var calls = 0
    /// The sort of each call; with history.
    var operations: [StorageError.Operation] = []
    var mutations = 0
    var flushes = 0
    /// Microseconds that a flush takes.
    var flushDelay: UInt32 = 0
    var fault: Fault?
    /// The operation in which the fault showed itself.
    var failedOperation: StorageError.Operation?
    /// The count of mutations after it, if it was one.
    var failedMutation: Int?
    var stopsAt: Int?
    var isStopped = false
    var violations: [String] = []

    init(_ image: DiskImage, capacity: UInt64, recordsHistory: Bool) {
      live = image
      self.capacity = capacity
      self.recordsHistory = recordsHistory
      epochs = [Epoch(base: image, firstCall: 0)]
    }
  }
}

// MARK: - Calls

extension SimulatedMedium.State {
  mutating func report(_ violation: String) {
    if violations.count < 100 { violations.append(violation) }
  }

  mutating func checkAlignment(
    _ operation: StorageError.Operation, offset: UInt64, count: Int, address: Int
  ) {
    let alignment = Self.alignment
    guard offset % UInt64(alignment) != 0 || count % alignment != 0 || address % alignment != 0
    else { return }
    report("unaligned \(operation.rawValue) of \(count) bytes at \(offset) (memory \(address))")
  }

  /// Starts a call that changes nothing.
  mutating func begin(_ operation: StorageError.Operation) throws(Refusal) {
    if isStopped { throw Refusal(kind: .system(errno: SimulatedDisk.stoppedErrno)) }
    if let fault = strike(operation) { throw Refusal(kind: fault.kind) }
  }

  mutating func write(
    _ bytes: [UInt8], at offset: UInt64, durably: Bool = false
  ) throws(Refusal) {
    let (call, stops) = try beginMutation()
    let fault = strike(.write)
    if fault == nil, !stops {
      guard offset <= capacity, UInt64(bytes.count) <= capacity - offset else {
        throw Refusal(kind: .outOfSpace)
      }
    }
    if let fault {
      // What is to be durable by itself and fails is told again by no later flush.
      let certainty: Effect.Certainty = durably ? .doubtful : .pending
      switch fault.applied {
      case .nothing: break
      case .part:
        apply(Array(bytes[..<(bytes.count / 1024 * 512)]), at: offset, call: call, certainty)
      case .whole: apply(bytes, at: offset, call: call, certainty)
      }
      throw Refusal(kind: fault.kind)
    }
    apply(bytes, at: offset, call: call)
    if stops { throw Refusal(kind: .system(errno: SimulatedDisk.stoppedErrno)) }
    if durably { endDurableWrite() }
  }

  /// Makes the last effect certain, and leaves all others as pending as they are.
  private mutating func endDurableWrite() {
    flushes += 1
    let epoch = epochs[epochs.count - 1]
    guard let last = epoch.effects.last, case .write(let offset, let bytes) = last.change else {
      report("a durable write beyond the end")
      return
    }
    var next = epoch
    next.firstCall = mutations
    if epoch.effects.dropLast().contains(where: last.overlaps) {
      // Whatever becomes of the earlier writes, this one comes after them.
      next.effects[next.effects.count - 1].certainty = .certain
    } else {
      next.effects.removeLast()
      if next.layers.isEmpty {
        next.base.write(bytes[...], at: offset)
      } else {
        next.layers.append(SimulatedMedium.Layer(effects: [last], isCertain: true))
      }
    }
    if !recordsHistory { epochs.removeAll() }
    epochs.append(next)
  }

  mutating func resize(to length: UInt64) throws(Refusal) {
    let (call, stops) = try beginMutation()
    let fault = strike(.resize)
    if fault == nil, !stops, length > capacity { throw Refusal(kind: .outOfSpace) }
    if fault == nil || fault?.applied == .whole { apply(length, call: call) }
    if let fault { throw Refusal(kind: fault.kind) }
    if stops { throw Refusal(kind: .system(errno: SimulatedDisk.stoppedErrno)) }
  }

  mutating func flush() throws(Refusal) {
    let (_, stops) = try beginMutation()
    if stops { throw Refusal(kind: .system(errno: SimulatedDisk.stoppedErrno)) }
    if let fault = strike(.flush) {
      endEpoch(isCertain: fault.applied == .whole)
      throw Refusal(kind: fault.kind)
    }
    flushes += 1
    endEpoch(isCertain: true)
  }

  /// Counts a call that changes something; `stops` is true if the world ends in it.
  private mutating func beginMutation() throws(Refusal) -> (call: Int, stops: Bool) {
    if isStopped { throw Refusal(kind: .system(errno: SimulatedDisk.stoppedErrno)) }
    let call = mutations
    if call == stopsAt {
      isStopped = true
      return (call, true)
    }
    mutations += 1
    return (call, false)
  }

  private mutating func strike(_ operation: StorageError.Operation) -> Fault? {
    let number = calls
    calls += 1
    if recordsHistory { operations.append(operation) }
    guard let fault, fault.strikes(operation, number: number, first: failedOperation) else {
      return nil
    }
    if failedOperation == nil {
      failedOperation = operation
      failedMutation = [.write, .resize, .flush].contains(operation) ? mutations : nil
    }
    return fault
  }

  private mutating func apply(
    _ bytes: [UInt8], at offset: UInt64, call: Int, _ certainty: Effect.Certainty = .pending
  ) {
    let end = offset + UInt64(bytes.count)
    let length = live.length
    live.write(bytes[...], at: offset)
    add(
      Effect(call: call, change: .write(offset: offset, bytes: bytes), certainty: certainty))
    // Bytes beyond the end bring a change of size, which may arrive without them or not at all.
    if end > length { add(Effect(call: call, change: .resize(from: length, to: end))) }
  }

  private mutating func apply(_ length: UInt64, call: Int) {
    add(Effect(call: call, change: .resize(from: live.length, to: length)))
    live.setLength(length)
  }

  private mutating func add(_ effect: Effect) {
    epochs[epochs.count - 1].effects.append(effect)
  }

  /// Ends an epoch: what was pending is durable now, or, after a failed flush, never certainly so,
  /// since the system forgets which pages it could not write.
  private mutating func endEpoch(isCertain: Bool) {
    let epoch = epochs[epochs.count - 1]
    let next: SimulatedMedium.Epoch
    if isCertain, epoch.layers.isEmpty, epoch.effects.allSatisfy({ $0.certainty != .doubtful }) {
      next = SimulatedMedium.Epoch(base: live, firstCall: mutations)
    } else {
      let layers = epoch.effects.map { effect in
        SimulatedMedium.Layer(
          effects: [effect],
          isCertain: effect.certainty == .certain || isCertain && effect.certainty == .pending)
      }
      next = SimulatedMedium.Epoch(
        base: epoch.base, layers: epoch.layers + Self.joined(layers), firstCall: mutations)
    }
    if !recordsHistory { epochs.removeAll() }
    epochs.append(next)
  }
}

extension SimulatedMedium.State {
  /// Joins neighbours that are as certain as each other.
  private static func joined(
    _ layers: [SimulatedMedium.Layer]
  ) -> [SimulatedMedium.Layer] {
    var joined: [SimulatedMedium.Layer] = []
    for layer in layers {
      if let last = joined.last, last.isCertain == layer.isCertain {
        joined[joined.count - 1] = SimulatedMedium.Layer(
          effects: last.effects + layer.effects, isCertain: last.isCertain)
      } else {
        joined.append(layer)
      }
    }
    return joined
  }
}
