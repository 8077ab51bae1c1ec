// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport

/// What the store in Fixtures/format/v1/store.txt was made to hold.
enum GoldenStore {
  static let path = "Fixtures/format/v1/store.txt"
  static let identity = (0..<16).map { UInt8(0xA0 + $0) }

  /// Transactions before the last checkpoint.
  static let checkpointed: [[Change]] = [
    [.createTree("small"), .createTree("values"), .createTree("empty"), .createTree("gone")],
    (0..<400).map { put("small", key($0), number: $0, bytes: $0 % 40) },
    [
      .put(tree: "small", key: [0], value: []), .put(tree: "small", key: [0, 0], value: [0]),
      .put(tree: "small", key: [UInt8](repeating: 0xFF, count: 1024), value: [255]),
      put("gone", "k", number: 1, bytes: 10),
    ],
    [
      put("values", "inline", number: 2, bytes: 900),
      put("values", "paged", number: 3, bytes: 5000),
      put("values", "longest paged", number: 4, bytes: 65_536),
      put("values", "runs", number: 5, bytes: 65_537),
      put("values", "long runs", number: 6, bytes: 1_200_000),
      put("values", "replaced", number: 7, bytes: 100_000),
    ],
    [
      .createTree("na\u{EF}ve \u{65E5}\u{672C}"),
      put("na\u{EF}ve \u{65E5}\u{672C}", "k", number: 8, bytes: 3),
      .dropTree("gone"),
    ],
    (0..<100).map { .delete(tree: "small", key: Array(key($0 * 3).utf8)) },
  ]

  /// Transactions that only the log holds.
  static let logged: [[Change]] = [
    [put("small", "logged", number: 9, bytes: 20), put("small", key(1), number: 10, bytes: 50)],
    [
      .createTree("late"), put("late", "k", number: 11, bytes: 10_000),
      put("values", "replaced", number: 12, bytes: 70_000),
      .delete(tree: "values", key: Array("paged".utf8)),
    ],
    [.dropTree("na\u{EF}ve \u{65E5}\u{672C}"), .delete(tree: "small", key: Array(key(2).utf8))],
  ]

  static var model: Model {
    var model = Model()
    for changes in checkpointed + logged { model.apply(changes) }
    return model
  }

  private static func key(_ number: Int) -> String {
    "key \(String(repeating: "0", count: 4 - "\(number)".count))\(number)"
  }

  private static func put(_ tree: String, _ key: String, number: Int, bytes: Int) -> Change {
    let value = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: bytes)
    return .put(tree: tree, key: Array(key.utf8), value: value)
  }
}

/// The bytes of a file as text: of sectors of 512 bytes, those that are not zero.
///
///     length BYTES
///     OFFSET COUNT HEX      COUNT sectors alike from OFFSET, without the zeros at their ends
///
/// Lines that begin with `#` are for people.
enum SectorText {
  private static let sectorBytes = 512

  static func encode(_ bytes: [UInt8]) -> String {
    var lines = ["length \(bytes.count)"]
    var previous: (offset: Int, count: Int, sector: [UInt8])?
    func end() {
      guard let (offset, count, sector) = previous else { return }
      let digits = sector.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      lines.append("\(offset) \(count) \(digits)")
      previous = nil
    }
    for offset in stride(from: 0, to: bytes.count, by: sectorBytes) {
      var sector = Array(bytes[offset..<min(offset + sectorBytes, bytes.count)])
      while sector.last == 0 { sector.removeLast() }
      if let (first, count, last) = previous, last == sector {
        previous = (first, count + 1, last)
        continue
      }
      end()
      if !sector.isEmpty { previous = (offset, 1, sector) }
    }
    end()
    return lines.joined(separator: "\n") + "\n"
  }

  static func decode(_ text: String) throws -> [UInt8] {
    var bytes: [UInt8] = []
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ")
      if words.first == "length", words.count == 2, let length = Int(words[1]) {
        bytes = [UInt8](repeating: 0, count: length)
        continue
      }
      guard words.count == 3, let offset = Int(words[0]), let count = Int(words[1]) else {
        throw TestFailure("a line that is no sector: \(line.prefix(40))")
      }
      let digits = Array(words[2].utf8)
      let sector = try stride(from: 0, to: digits.count, by: 2).map { place in
        let pair = String(decoding: digits[place..<min(place + 2, digits.count)], as: UTF8.self)
        guard let byte = UInt8(pair, radix: 16) else { throw TestFailure("no byte: \(pair)") }
        return byte
      }
      for index in 0..<count {
        let start = offset + index * sectorBytes
        guard sector.count <= sectorBytes, start + sector.count <= bytes.count else {
          throw TestFailure("a sector beyond the end: \(start)")
        }
        bytes.replaceSubrange(start..<start + sector.count, with: sector)
      }
    }
    return bytes
  }
}
