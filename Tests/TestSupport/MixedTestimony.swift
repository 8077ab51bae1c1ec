// SPDX-License-Identifier: Apache-2.0

/// What a `MixedWriter` said.
public struct MixedTestimony: Sendable {
  /// The last transaction that was acknowledged, by series.
  public private(set) var committed: [Int: Int] = [:]
  /// The last transaction whose first phase was acknowledged, by series.
  public private(set) var prepared: [Int: Int] = [:]
  /// How often there was no room.
  public private(set) var fullDisks = 0

  /// Nothing was said.
  public init() {}

  /// Reads whole lines; what follows the last line end was never said.
  public init(text: String) throws {
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      try take(String(line))
    }
  }

  /// Adds a line.
  public mutating func take(_ line: String) throws {
    let words = line.split(separator: " ")
    let numbers = words.compactMap { Int($0) }
    switch (words.first, words.count, numbers.count) {
    case (_, 2, 2): committed[numbers[0]] = numbers[1]
    case ("prepared", 3, 2): prepared[numbers[0]] = numbers[1]
    case ("full", 1, 0): fullDisks += 1
    case ("ready", 1, 0): break
    default: throw TestFailure("the writer said '\(line)'")
    }
  }
}
