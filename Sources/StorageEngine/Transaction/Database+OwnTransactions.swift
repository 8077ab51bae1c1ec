// SPDX-License-Identifier: Apache-2.0

/// Transactions that the engine makes itself.
///
/// Call all of this under the writer lock, except for what only reads.
extension Database {
  /// The state after the last transaction that was put into a group.
  var working: TreeSet { pager.structureLock.withLock { state.working } }

  /// A transaction on top of that state.
  func ownTransaction() -> WriteTransaction {
    WriteTransaction(database: self, base: working)
  }

  /// Commits what `body` does; nobody is at odds with it, and no participant hears of it.
  ///
  /// With `packsLeaves` the leaves that it touches are packed. No checkpoint comes between the commit and
  /// `alongside`. Nothing is changed when it throws.
  @discardableResult
  func commitSilently(
    packsLeaves: Bool = false, alongside: () -> Void = {},
    _ body: (WriteTransaction) throws(EngineError) -> Void
  ) throws(EngineError) -> UInt64 {
    let transaction = ownTransaction()
    do throws(EngineError) {
      try body(transaction)
      let lsn = try append(
        transaction, isSilent: true, packsLeaves: packsLeaves, alongside: alongside)
      transaction.end()
      return lsn
    } catch {
      transaction.rollback()
      throw error
    }
  }

  /// Commits what `body` does as any transaction is; `deciding` is the prepared one whose end this
  /// is, if so.
  ///
  /// Nothing is changed when it throws.
  func commitOwn<R>(
    deciding number: UInt64? = nil, _ body: (WriteTransaction) throws(EngineError) -> R
  ) throws(TransactionError) -> (result: R, lsn: UInt64) {
    let transaction = ownTransaction()
    do throws(TransactionError) {
      let result = try TransactionError.wrapping { () throws(EngineError) in
        try body(transaction)
      }
      return (result, try submitAndEnd(transaction, deciding: number))
    } catch {
      transaction.rollback()
      throw error
    }
  }
}
