// SPDX-License-Identifier: Apache-2.0

/// Text compared by its UTF-8 bytes.
///
/// Swift's own `==` and `<` treat canonically equivalent texts as equal ("é" as one scalar and as
/// two). What is stored, hashed and replicated is bytes, so names, keys and values compare so.
public enum ByteOrder {
  /// Whether two texts have the same bytes.
  public static func equal(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8)
  }

  /// Whether the bytes of `left` sort before those of `right`.
  public static func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }
}

/// A text as a dictionary key that is compared by bytes.
public struct ByteText: Hashable, Comparable, Sendable {
  /// The text.
  public let text: String

  /// Wraps a text.
  public init(_ text: String) {
    self.text = text
  }

  /// Whether two texts have the same bytes.
  public static func == (left: ByteText, right: ByteText) -> Bool {
    ByteOrder.equal(left.text, right.text)
  }

  /// Whether the bytes of `left` sort before those of `right`.
  public static func < (left: ByteText, right: ByteText) -> Bool {
    ByteOrder.precedes(left.text, right.text)
  }

  /// Feeds the text; equal bytes feed the same.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(text)
  }
}
