// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A value that one thread at a time may touch.
///
/// Not `Synchronization.Mutex`, because ThreadSanitizer does not see through that one and reports
/// races where there are none.
@safe
final class LockedState<Value>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  /// For who holds the lock.
  @safe @exclusivity(unchecked) var value: Value

  init(_ value: sending Value) {
    self.value = value
    unsafe mutex = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(mutex, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// Takes the lock; `withLock` is the safer way, this one spares generic code a closure.
  @inline(__always)
  func lock() { unsafe pthread_mutex_lock(mutex) }

  @inline(__always)
  func unlock() { unsafe pthread_mutex_unlock(mutex) }

  /// Runs `body` as the only one with access; must not be called from within itself.
  @inline(__always)
  func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}

/// A copy of a model that queries read.
///
/// Safe although nothing here locks: while it has readers nobody changes it, and who changes it was
/// made its only user by the gallery (`ModelGallery`) before.
final class ModelCopy<Model>: @unchecked Sendable {
  /// `nil` once it was given up.
  @safe @exclusivity(unchecked) var model: Model?
  /// The last command that it shows.
  @safe @exclusivity(unchecked) var number: UInt64
  /// The time of that command, in milliseconds since 1970.
  @safe @exclusivity(unchecked) var time: UInt64
  /// Lock of the gallery: how many queries look at it.
  @safe @exclusivity(unchecked) var readers = 0
  /// Lock of the gallery: whether it is being brought up to date.
  @safe @exclusivity(unchecked) var isChanging = false

  init(_ model: Model, number: UInt64, time: UInt64) {
    self.model = model
    self.number = number
    self.time = time
  }
}
