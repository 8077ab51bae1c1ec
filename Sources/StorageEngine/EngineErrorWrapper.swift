// SPDX-License-Identifier: Apache-2.0

/// The errors of a group of operations, one of which says that the engine failed.
protocol EngineErrorWrapper: Error {
  static func engine(_ error: EngineError) -> Self
}

extension EngineErrorWrapper {
  /// Runs `body` and hands an error of the engine on as one of these.
  @inline(__always)
  static func wrapping<R>(_ body: () throws(EngineError) -> R) throws(Self) -> R {
    do {
      return try body()
    } catch {
      throw .engine(error)
    }
  }
}

extension TransactionError: EngineErrorWrapper {}
extension SegmentError: EngineErrorWrapper {}
extension IndexError: EngineErrorWrapper {}
extension NamedSnapshotError: EngineErrorWrapper {}
