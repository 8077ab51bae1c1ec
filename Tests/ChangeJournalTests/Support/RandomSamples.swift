// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import TestSupport

extension SplitMix64 {
  /// A text of a few scalars from all over Unicode, terminal controls included.
  mutating func text(upTo limit: Int = 12) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0...limit, using: &self) {
      let ranges: [ClosedRange<UInt32>] = [
        0x20...0x7e, 0x20...0x7e, 0...0x1f, 0x7f...0xff, 0x300...0x36f, 0x4e00...0x4fff,
        0xe000...0xffff, 0x1_f300...0x1_f5ff,
      ]
      let range = ranges[Int.random(in: 0..<ranges.count, using: &self)]
      if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &self)) {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// A whole number of any magnitude.
  mutating func integer() -> Int64 {
    Int64(bitPattern: next()) >> Int64.random(in: 0..<64, using: &self)
  }

  /// A finite number: of any bits, or one that fits a shorter format.
  mutating func double() -> Double {
    switch Int.random(in: 0..<5, using: &self) {
    case 0: return Double(integer())
    // Where the spelling of doubles changes: around 2⁵³ and 1e16.
    case 4: return Double(next() >> 9)
    case 1: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: next()) & 0xff7f_ffff))
    case 2: return Double(Int16(truncatingIfNeeded: next())) / 256
    default:
      let number = Double(bitPattern: next())
      return number.isFinite ? number : -0.0
    }
  }

  mutating func value(depth: Int = 0) -> Value {
    switch Int.random(in: 0..<(depth > 3 ? 7 : 9), using: &self) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &self))
    case 2: return .integer(integer())
    case 3: return Value(next())
    case 4: return .double(double())
    case 5: return .text(text())
    case 6:
      return .bytes(
        (0..<Int.random(in: 0..<10, using: &self)).map { _ in UInt8(truncatingIfNeeded: next()) })
    case 7:
      return .array((0..<Int.random(in: 0..<4, using: &self)).map { _ in value(depth: depth + 1) })
    default:
      let entries = (0..<Int.random(in: 0..<4, using: &self)).map { index in
        (text() + "\(index)", value(depth: depth + 1))
      }
      return (try? ValueMap(entries)).map(Value.map) ?? .null
    }
  }

  mutating func key() -> RecordKey {
    switch Int.random(in: 0..<3, using: &self) {
    case 0: .integer(integer())
    case 1: .text(text())
    default: .uuid(UUIDBytes(high: next(), low: next()))
    }
  }

  mutating func change() throws -> ChangeJournal.Change {
    if chance(1, in: 5) { return .delete }
    var fields: [FieldChange] = []
    for name in ["age", "city", "", "name", "straße", text()] where !chance(1, in: 3) {
      if !fields.contains(where: { ByteOrder.equal($0.field, name) }) {
        fields.append(FieldChange(field: name, value: chance(1, in: 6) ? nil : value()))
      }
    }
    return try .patch(unordered: fields)
  }

  mutating func operations(_ count: Int) throws -> [Operation] {
    let collections = ["people", "e\u{301}tat", "\u{e9}tat", "z"]
    return try (0..<count).map { _ in
      Operation(
        collection: collections[Int.random(in: 0..<collections.count, using: &self)],
        key: key(), change: try change())
    }
  }

  mutating func transaction(operations count: Int) throws -> JournalTransaction {
    var dependencies = VersionVector()
    for number in 2..<UInt8.random(in: 2...6, using: &self) {
      dependencies[Samples.origin(number)] = next() >> 2 | 1
    }
    return JournalTransaction(
      origin: Samples.origin(1), sequence: 1, timestamp: HybridTimestamp(rawValue: next()),
      dependencies: dependencies, schemaEpoch: next(), previousHash: .zero,
      parts: CollectionPart.parts(of: try operations(count)))
  }
}
