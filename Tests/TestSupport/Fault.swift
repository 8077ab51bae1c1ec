// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// A failure that a simulated disk is told to show.
public struct Fault: Sendable, CustomStringConvertible {
  /// How much of a failing call takes effect nevertheless.
  public enum Applied: String, CaseIterable, Sendable {
    case nothing, part, whole
  }

  /// The number of the call, from 0, among all calls.
  public var call: Int
  /// What the call reports.
  public var kind: StorageError.Kind
  /// How much of it takes effect.
  public var applied: Applied
  /// Whether later calls of that sort fail as well.
  public var lasts: Bool

  /// Describes a failure.
  public init(
    call: Int, kind: StorageError.Kind, applied: Applied = .nothing, lasts: Bool = false
  ) {
    self.call = call
    self.kind = kind
    self.applied = applied
    self.lasts = lasts
  }

  /// Names the fault so that a test can be repeated.
  public var description: String {
    "\(kind) at call \(call), \(applied.rawValue) applied\(lasts ? ", lasting" : "")"
  }

  /// Whether a call fails, given the first one that did.
  func strikes(
    _ operation: StorageError.Operation, number: Int, first: StorageError.Operation?
  ) -> Bool {
    if number == call { return isPossible(for: operation) }
    guard lasts, number > call, let first else { return false }
    if kind == .outOfSpace { return operation == .write || operation == .resize }
    if first == .read || first == .length { return operation == first }
    return operation == .write || operation == .resize || operation == .flush
  }

  /// A full disk does not keep anyone from reading.
  public func isPossible(for operation: StorageError.Operation) -> Bool {
    switch operation {
    case .read, .length: kind != .outOfSpace
    default: true
    }
  }
}
