// SPDX-License-Identifier: Apache-2.0

/// A stack that asks for memory only beyond its first elements.
struct ShortStack<Element: BitwiseCopyable> {
  private static var mostInline: Int { 8 }

  private var first: InlineArray<8, Element>
  private var rest: [Element] = []
  private(set) var count = 0

  /// An empty one; `placeholder` fills the places that are not in use.
  init(placeholder: Element) {
    first = InlineArray(repeating: placeholder)
  }

  subscript(index: Int) -> Element {
    @inline(__always) get {
      index < Self.mostInline ? first[index] : rest[index - Self.mostInline]
    }
    @inline(__always) set {
      if index < Self.mostInline {
        first[index] = newValue
      } else {
        rest[index - Self.mostInline] = newValue
      }
    }
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count < Self.mostInline { first[count] = element } else { rest.append(element) }
    count += 1
  }

  /// Takes elements off until so many are left.
  @inline(__always)
  mutating func shorten(to count: Int) {
    precondition(count <= self.count)
    if self.count > Self.mostInline { rest.removeLast(min(rest.count, self.count - count)) }
    self.count = count
  }
}
