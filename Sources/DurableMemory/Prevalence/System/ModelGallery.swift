// SPDX-License-Identifier: Apache-2.0

/// The copies of the model that queries read; it does not ask what they are copies of.
///
/// The last one is the newest, and the one that is shown. A copy is changed only while it has no
/// readers and is marked as changing, so that reading needs no lock. There are mostly none, one or
/// two: none while nobody looks, one when queries do not overlap with commands, a second when they
/// overlap with each other as well. A copy that is held for longer is left to those who hold it.
final class ModelGallery: Sendable {
  private static let most = 2

  private let copies = LockedState<[ShownCopy]>([])

  /// What is to be done to show a later state.
  enum Choice {
    /// Nobody looks at this copy: it can be changed in place. It is marked as changing.
    case advance(ShownCopy)
    /// Everybody looks: a further copy is needed, of this one, which is being read from then on, so
    /// that nobody takes it for himself meanwhile.
    case fork(ShownCopy)
    /// There is no copy.
    case none
  }

  /// Begins to read the copy that is shown, if it shows a command or a later one.
  func read(atLeast number: UInt64) -> ShownCopy? {
    copies.withLock { copies in
      guard let copy = copies.last, !copy.isChanging, copy.number >= number else { return nil }
      copy.readers += 1
      return copy
    }
  }

  /// Ends a reading.
  func endReading(_ copy: ShownCopy) {
    copies.withLock { _ in copy.readers -= 1 }
  }

  /// Chooses what is brought up to date; one thread at a time.
  func choose() -> Choice {
    copies.withLock { copies in
      guard let newest = copies.last else { return .none }
      guard let idle = copies.last(where: { $0.readers == 0 }) else {
        newest.readers += 1
        return .fork(newest)
      }
      idle.isChanging = true
      return .advance(idle)
    }
  }

  /// Shows a copy that was changed or is new, and begins to read it if asked to.
  func show(_ copy: ShownCopy, number: UInt64, time: UInt64, reading: Bool) {
    copies.withLock { copies in
      copy.isChanging = false
      (copy.number, copy.time) = (number, time)
      copies.removeAll { $0 === copy }
      copies.append(copy)
      if copies.count > Self.most { copies.removeFirst() }
      if reading { copy.readers += 1 }
    }
  }

  /// Takes a copy that nobody looks at out of the gallery, else begins to read one that is looked
  /// at.
  ///
  /// One that is being changed is neither.
  func takeForRollback() -> (copy: ShownCopy, isAlone: Bool)? {
    copies.withLock { copies in
      if let index = copies.lastIndex(where: { $0.readers == 0 && !$0.isChanging }) {
        return (copies.remove(at: index), true)
      }
      guard let copy = copies.last(where: { !$0.isChanging }) else { return nil }
      copy.readers += 1
      return (copy, false)
    }
  }

  /// Takes a copy out that shares its memory with the model that commands change, unless somebody
  /// looks at it: then the next change makes it independent.
  func giveUp(shared copy: ShownCopy) {
    copies.withLock { copies in
      guard copy.readers == 0, !copy.isChanging else { return }
      copies.removeAll { $0 === copy }
      copy.giveUp()
    }
  }

  /// Forgets all copies but one that is being changed; those who read them keep them.
  func clear() {
    copies.withLock { $0.removeAll { !$0.isChanging } }
  }

  /// Forgets a copy that could not be brought up to date.
  func discard(_ copy: ShownCopy) {
    copies.withLock { $0.removeAll { $0 === copy } }
  }

  /// The last command that the oldest copy shows.
  var oldest: UInt64? { copies.withLock { copies in copies.map(\.number).min() } }
  /// How many copies there are.
  var count: Int { copies.withLock { $0.count } }
}
