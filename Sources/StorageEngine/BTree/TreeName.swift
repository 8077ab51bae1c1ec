// SPDX-License-Identifier: Apache-2.0

/// A tree's name, told apart and ordered by its bytes.
///
/// Not a `String`, because two strings that Unicode calls equivalent are equal, and here they name
/// two trees.
struct TreeName: Hashable, Comparable {
  let bytes: [UInt8]

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  static func < (left: TreeName, right: TreeName) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}
