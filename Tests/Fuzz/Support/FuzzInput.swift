// SPDX-License-Identifier: Apache-2.0

/// The bytes that libFuzzer passes, the first of which chooses what is done with the rest.
public struct FuzzInput {
  /// The first byte.
  public let choice: UInt8
  /// The bytes behind it.
  public let bytes: [UInt8]

  /// Copies the bytes at `start`; `nil` when there are none.
  public init?(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let choice = input.first else { return nil }
    self.choice = choice
    bytes = Array(input.dropFirst())
  }

  /// The text behind the first byte; `nil` when it is not UTF-8.
  ///
  /// What comes from a command line is UTF-8 by then.
  public var text: String? { String(validating: bytes, as: UTF8.self) }
}

/// Ends the process, and so the run, when something that must hold does not.
public func require(_ condition: Bool, _ message: @autoclosure () -> String) {
  guard condition else { fatalError(message()) }
}
