// SPDX-License-Identifier: Apache-2.0

/// What an engine answered in place of what was asked of it.
public struct PeerError: Error, CustomStringConvertible, Sendable {
  /// The engine, by its name in tables.
  public let engine: String
  /// The function of its C interface.
  public let call: String
  /// What the engine says of it.
  public let message: String
  /// Whether the same transaction may succeed when it is run again.
  let isConflict: Bool

  init(_ engine: String, _ call: String, _ message: String, isConflict: Bool = false) {
    self.engine = engine
    self.call = call
    self.message = message
    self.isConflict = isConflict
  }

  /// All three in one line.
  public var description: String { "\(engine): \(call): \(message)" }
}
