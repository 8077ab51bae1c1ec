// SPDX-License-Identifier: Apache-2.0

import Glibc
public import StorageEngine
import Synchronization

/// A disk in memory that can lose power at every call, fail, and report what the engine did wrong.
///
/// It keeps what a real disk would hold for certain (the image of the last flush) and, in order,
/// what was written since. With `recordsHistory`, it keeps that for all time, so that one run of a
/// workload yields the crash image of every call in it.
///
/// Calls are numbered from 0: `calls` counts all of them, `mutations` only write, resize and flush,
/// between which nothing can change.
public final class SimulatedDisk: Storage {
  /// The error number of a disk whose world has stopped.
  public static let stoppedErrno = ESHUTDOWN

  /// A description for error messages.
  public let name: String
  let medium: SimulatedMedium
  private let isClosed = Atomic<Bool>(false)

  /// Creates a disk with given content, full at `capacity` bytes.
  public init(
    _ image: DiskImage = DiskImage(), name: String = "simulated disk", capacity: UInt64 = 1 << 40,
    recordsHistory: Bool = false
  ) {
    self.name = name
    medium = SimulatedMedium(image, capacity: capacity, recordsHistory: recordsHistory)
  }

  private init(name: String, medium: SimulatedMedium) {
    self.name = name
    self.medium = medium
  }

  /// Opens the same disk again, as another process would after this one ended.
  public func reopened() -> SimulatedDisk {
    SimulatedDisk(name: name, medium: medium)
  }

  /// Returns the present length in bytes.
  public func length() throws(StorageError) -> UInt64 {
    try call(.length) { (medium) throws(Refusal) in
      try medium.begin(.length)
      return medium.live.length
    }
  }

  /// Fills `buffer` from `offset`.
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(StorageError) {
    let address = Int(bitPattern: buffer.baseAddress)
    let count = buffer.count
    let image = try call(.read, at: offset) { (medium) throws(Refusal) in
      medium.checkAlignment(.read, offset: offset, count: count, address: address)
      try medium.begin(.read)
      guard offset <= medium.live.length, UInt64(count) <= medium.live.length - offset else {
        throw Refusal(kind: .unexpectedEnd)
      }
      return medium.live
    }
    unsafe image.read(into: buffer, at: offset)
  }

  /// Writes all of `buffer` at `offset`, without making it durable.
  public func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    let address = Int(bitPattern: buffer.baseAddress)
    let bytes = unsafe [UInt8](buffer)
    try call(.write, at: offset) { (medium) throws(Refusal) in
      medium.checkAlignment(.write, offset: offset, count: bytes.count, address: address)
      try medium.write(bytes, at: offset)
    }
  }

  /// Writes all of `buffer` at `offset` and makes it, and nothing else, durable.
  public func writeDurably(
    _ buffer: UnsafeRawBufferPointer, at offset: UInt64
  ) throws(StorageError) {
    let address = Int(bitPattern: buffer.baseAddress)
    let bytes = unsafe [UInt8](buffer)
    let delay = medium.state.withLock { $0.flushDelay }
    if delay > 0 { usleep(delay) }
    try call(.write, at: offset) { (medium) throws(Refusal) in
      medium.checkAlignment(.write, offset: offset, count: bytes.count, address: address)
      try medium.write(bytes, at: offset, durably: true)
    }
  }

  /// Sets the length; new bytes are zero.
  public func resize(to length: UInt64) throws(StorageError) {
    try call(.resize, at: length) { (medium) throws(Refusal) in
      medium.checkAlignment(.resize, offset: length, count: 0, address: 0)
      try medium.resize(to: length)
    }
  }

  /// Makes every completed write and resize durable.
  public func flush() throws(StorageError) {
    let delay = medium.state.withLock { $0.flushDelay }
    if delay > 0 { usleep(delay) }
    try call(.flush) { (medium) throws(Refusal) in try medium.flush() }
  }

  /// Gives up this handle of the disk.
  public func close() {
    isClosed.store(true, ordering: .sequentiallyConsistent)
  }

  private func call<Result>(
    _ operation: StorageError.Operation, at offset: UInt64? = nil,
    _ body: (inout SimulatedMedium.State) throws(Refusal) -> Result
  ) throws(StorageError) -> Result {
    if isClosed.load(ordering: .sequentiallyConsistent) {
      medium.state.withLock { $0.report("\(operation.rawValue) after close") }
      throw StorageError(
        operation: operation, kind: .system(errno: EBADF), offset: offset, name: name)
    }
    do {
      return try medium.state.withLock { (state) throws(Refusal) in try body(&state) }
    } catch {
      throw StorageError(operation: operation, kind: error.kind, offset: offset, name: name)
    }
  }
}

/// Why a simulated call failed.
struct Refusal: Error {
  let kind: StorageError.Kind
}

// MARK: - Control

extension SimulatedDisk {
  /// How many calls were made.
  public var calls: Int { medium.state.withLock { $0.calls } }

  /// The sort of each call that was made; with history.
  public var operations: [StorageError.Operation] { medium.state.withLock { $0.operations } }

  /// How many calls that change something were made.
  public var mutations: Int { medium.state.withLock { $0.mutations } }

  /// How many flushes succeeded.
  public var flushes: Int { medium.state.withLock { $0.flushes } }

  /// What the engine did that it has promised not to do, such as an unaligned access.
  public var violations: [String] { medium.state.withLock { $0.violations } }

  /// What a reader sees now.
  public var image: DiskImage { medium.state.withLock { $0.live } }

  /// The operation in which the fault that was asked for has shown itself; `nil` before.
  public var failedOperation: StorageError.Operation? {
    medium.state.withLock { $0.failedOperation }
  }

  /// How many mutations there were when that fault had shown itself; `nil` unless it was in one.
  public var failedMutation: Int? { medium.state.withLock { $0.failedMutation } }

  /// Whether the world has stopped.
  public var isStopped: Bool { medium.state.withLock { $0.isStopped } }

  /// Sets the length at which the disk is full.
  public func setCapacity(_ capacity: UInt64) {
    medium.state.withLock { $0.capacity = capacity }
  }

  /// Makes each flush take some time, so that others queue up behind it.
  public func setFlushDelay(microseconds: UInt32) {
    medium.state.withLock { $0.flushDelay = microseconds }
  }

  /// Lets a later call fail; `nil` lets all succeed again.
  public func inject(_ fault: Fault?) {
    medium.state.withLock { state in
      state.fault = fault
      guard fault != nil else { return }
      state.failedOperation = nil
      state.failedMutation = nil
    }
  }

  /// Stops the world at a mutation: that call and every later one fails.
  public func stop(atMutation number: Int) {
    medium.state.withLock { $0.stopsAt = number }
  }

  /// The variants of a power cut at a mutation that differ from each other.
  public func variants(atMutation number: Int? = nil) -> [CrashVariant] {
    medium.state.withLock { $0.variants(at: number ?? $0.mutations) }
  }

  /// The disk after a power cut at a mutation (with history), or now.
  public func crashed(
    atMutation number: Int? = nil, _ variant: CrashVariant, seed: UInt64 = 0,
    recordsHistory: Bool = false
  ) -> SimulatedDisk {
    let image = medium.state.withLock {
      $0.crashImage(at: number ?? $0.mutations, variant, seed: seed)
    }
    return SimulatedDisk(image, name: name, recordsHistory: recordsHistory)
  }
}
