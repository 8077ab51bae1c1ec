// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What the typed map asks of the untyped one.
extension MapCore {
  @usableFromInline var count: Int { memory.count.load(ordering: .relaxed) }

  @usableFromInline var closedError: DurableMapError {
    @inline(never) get { .closed(map: name) }
  }

  func checkOpen() throws(DurableMapError) {
    if memory.isClosed { throw closedError }
  }

  @usableFromInline
  @inline(never)
  func undecodable(
    _ role: DurableMapError.Role, _ error: DurableDecodingError
  ) -> DurableMapError {
    .undecodable(map: name, role: role, problem: error.problem)
  }

  /// The error for an encoding that wrote another number of bytes than it had said: the first, if
  /// that did, or else the second.
  @usableFromInline
  @inline(never)
  func miscounted(
    _ first: any DurableCodable.Type, _ firstSaid: Int, _ firstWritten: Int,
    _ second: any DurableCodable.Type, _ said: Int, _ written: Int
  ) -> DurableMapError {
    guard firstSaid == firstWritten else {
      return .miscounted(type: first.durableType, said: firstSaid - 1, written: firstWritten - 1)
    }
    return .miscounted(
      type: second.durableType, said: said - firstSaid - 1, written: written - firstSaid - 1)
  }

  /// Refuses lengths that are out of bounds.
  @usableFromInline
  @inline(__always)
  func check(key: Int, value: Int) throws(DurableMapError) {
    // As unsigned, a number below zero is large.
    guard UInt(bitPattern: key) <= UInt(StoredForm.longestKey) else {
      throw .keyTooLong(length: key, limit: StoredForm.longestKey)
    }
    guard UInt(bitPattern: value) <= UInt(StoredForm.longestValue) else {
      throw .valueTooLong(length: value, limit: StoredForm.longestValue)
    }
  }

  /// When an entry expires that is set now, in milliseconds since 1970; `nil` for never.
  @usableFromInline
  func expiry(after timeToLive: Duration?) -> UInt64? {
    guard let duration = timeToLive ?? options.timeToLive else { return nil }
    return memory.time().saturating(adding: duration)
  }
}

extension UInt64 {
  /// The time in milliseconds after a duration, no earlier than it is, and no later than can be said.
  fileprivate func saturating(adding duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return self }
    let (whole, isTooLong) = UInt64(seconds).multipliedReportingOverflow(by: 1000)
    let (milliseconds, isLonger) = whole.addingReportingOverflow(
      UInt64(attoseconds / 1_000_000_000_000_000))
    let (sum, isEternal) = addingReportingOverflow(milliseconds)
    return isTooLong || isLonger || isEternal ? .max : sum
  }
}

/// The first byte of a stored key, for code of other modules.
@usableFromInline
enum StoredStart {
  /// `StoredForm.Mark.plain`.
  @inlinable static var key: UInt8 { 0 }
}

extension DurableWriter {
  /// Writes the flags of a value, and when it expires.
  @usableFromInline
  mutating func write(expiry: UInt64?) {
    guard let expiry else { return write(0 as UInt8) }
    write(StoredFlags.expires.rawValue)
    write(bigEndian: expiry)
  }
}
