// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization

/// Undoing what a command has changed before it threw, or before it could not be written.
extension PrevalentSystem {
  /// Puts the state after the last command in the place of what is there.
  ///
  /// The state is made from a copy in the gallery if there is one, else from the store. In the second
  /// case a copy is kept from then on, so that the next time is cheap.
  ///
  /// When it throws, nothing can be executed any more.
  func rollBack(_ model: inout Model, _ working: inout WorkingState) throws {
    // Queries see what is kept: where commands are not as durable as asked yet, that is the older
    // state.
    let showsLast = working.number <= visible.load(ordering: .acquiring)
    do {
      let base = try takeBase(&working)
      if !showsLast { keepCopy(base, working) }
      guard let runs = working.recent.runs(after: base.number) else {
        throw PrevalenceError.failed(reason: "commands after \(base.number) are not in memory")
      }
      model = base.model
      var replay = loader.replay(after: base.number, time: base.time)
      try replay.execute(runs, on: &model) { _ in true }
    } catch {
      // What is in memory now may be anything.
      let problem = CommandJournal.error(error)
      let failure = problem.isFatal ? problem : .failed(reason: "\(problem)")
      note(failure, in: &working)
      throw failure
    }
    if showsLast { keepCopy((model, working.number, working.time), working) }
  }

  private typealias Base = (model: Model, number: UInt64, time: UInt64)

  private func takeBase(_ working: inout WorkingState) throws -> Base {
    if let (copy, isAlone) = gallery.takeForRollback() {
      defer { if !isAlone { gallery.endReading(copy) } }
      if let model = Self.model(of: copy), copy.number <= working.number {
        if isAlone { copy.giveUp() }
        tally.rollbacksFromCopy.add(1, ordering: .relaxed)
        return (model, copy.number, copy.time)
      }
    }
    tally.rollbacksFromStore.add(1, ordering: .relaxed)
    working.keepsSecondCopy = true
    let view = try database.snapshot()
    defer { view.close() }
    let loaded = try loader.load(from: view, upTo: .command(working.number))
    return (loaded.model, loaded.number, loaded.time)
  }

  /// Puts a copy into the gallery that becomes independent with the next change, where one is to be
  /// kept, there is none, and queries may see it.
  private func keepCopy(_ base: Base, _ working: borrowing WorkingState) {
    guard working.keepsSecondCopy, gallery.count == 0,
      base.number <= visible.load(ordering: .acquiring)
    else { return }
    let copy = ModelCopy<Model>(base.model, number: base.number, time: base.time)
    gallery.show(copy, number: base.number, time: base.time, reading: false)
  }

  /// Before a change: a copy that shares the memory of the model is given up unless it is needed,
  /// so that the model can be changed in place.
  func leave(shared working: inout WorkingState) {
    guard let copy = working.shared else { return }
    working.shared = nil
    if !working.keepsSecondCopy { gallery.giveUp(shared: copy) }
  }
}
