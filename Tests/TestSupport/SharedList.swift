// SPDX-License-Identifier: Apache-2.0

/// A list that several threads append to.
public final class SharedList<Element: Sendable>: Sendable {
  private let content = Guarded<[Element]>([])

  /// An empty list.
  public init() {}

  /// What was appended so far.
  public var elements: [Element] { content.withLock { $0 } }

  /// Adds an element at the end.
  public func append(_ element: Element) {
    content.withLock { $0.append(element) }
  }
}
