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

/// The model that commands change.
///
/// Safe although nothing here locks: only who holds the lock that orders commands touches it.
final class WorkingModel<Model>: @unchecked Sendable {
  @safe @exclusivity(unchecked) var value: Model

  init(_ value: Model) {
    self.value = value
  }
}

/// What the gallery knows of a copy of a model, which is a `ModelCopy`.
///
/// Safe although nothing here locks: while the copy has readers nobody changes it, and who changes it
/// was made its only user by the gallery (`ModelGallery`) before.
@usableFromInline
class ShownCopy: @unchecked Sendable {
  /// The last command that it shows.
  @safe @exclusivity(unchecked) final var number: UInt64
  /// The time of that command, in milliseconds since 1970.
  @safe @exclusivity(unchecked) final var time: UInt64
  /// Lock of the gallery: how many queries look at it.
  @safe @exclusivity(unchecked) final var readers = 0
  /// Lock of the gallery: whether it is being brought up to date.
  @safe @exclusivity(unchecked) final var isChanging = false

  init(number: UInt64, time: UInt64) {
    self.number = number
    self.time = time
  }

  /// Gives the memory of the model back.
  func giveUp() {}

  /// Which state it shows.
  @usableFromInline
  final var moment: Moment { Moment(number: number, time: time) }
}

/// A copy of a model that queries read; safe for the same reason.
@usableFromInline
final class ModelCopy<Model>: ShownCopy, @unchecked Sendable {
  /// `nil` once it was given up.
  @usableFromInline @safe @exclusivity(unchecked) var model: Model?

  init(_ model: Model, number: UInt64, time: UInt64) {
    self.model = model
    super.init(number: number, time: time)
  }

  override func giveUp() { model = nil }
}

/// An object as what the caller knows it to be.
///
/// Nothing checks that in a release build, as generic code would pay hundreds of instructions for it:
/// only for objects that one place alone makes, of the type that is said here. Those are the copies in
/// the gallery of a system, which all are of its model, and the commands in a registry, which lie
/// there under their types.
@inlinable
@inline(__always)
func known<T: AnyObject>(_ object: AnyObject, as type: T.Type) -> T {
  unsafe unsafeDowncast(object, to: type)
}
