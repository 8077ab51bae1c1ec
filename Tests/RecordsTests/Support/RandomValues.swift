// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import TestSupport

/// Values of every kind, from a seed.
enum RandomValues {
  static func value(_ random: inout SplitMix64, depth: Int) throws -> Value {
    switch random.below(depth > 0 ? 10 : 8) {
    case 0: return .null
    case 1: return .bool(random.chance(1, in: 2))
    case 2: return .integer(Int64(bitPattern: random.next() >> UInt64(random.below(64))))
    case 3: return Value(random.next())
    case 4:
      let number = Double(bitPattern: random.next())
      return .double(number.isFinite ? number : Double(random.below(1000)) / 8)
    case 5, 6: return .text(text(&random))
    case 7: return .bytes(random.bytes(random.below(9)))
    case 8:
      return .array(try (0..<random.below(5)).map { _ in try value(&random, depth: depth - 1) })
    default:
      var members: [String: Value] = [:]
      for _ in 0..<random.below(4) {
        let name = random.chance(1, in: 3) ? ["$bytes", "$map"][random.below(2)] : text(&random)
        members[name] = try value(&random, depth: depth - 1)
      }
      return .map(try ValueMap(members.map { ($0.key, $0.value) }))
    }
  }

  static func text(_ random: inout SplitMix64) -> String {
    let scalars: [Unicode.Scalar] = [
      "a", "z", " ", "\"", "\\", "\n", "\u{0}", "\u{7f}", "\u{85}", "é", "😀", "\u{ffff}", ",", "$",
    ]
    var text = ""
    for _ in 0..<random.below(8) {
      text.unicodeScalars.append(scalars[random.below(scalars.count)])
    }
    return text
  }
}
