// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Identifiers of records, as text and in order.
struct RecordIDTests {
  private var samples: [RecordID] {
    let segments: [UInt32] = [0, 1, 31, 32, 1 << 30, .max - 1, .max]
    let numbers: [UInt64] = [0, 1, 31, 32, 1 << 32, 1 << 60, 1 << 63, .max - 1, .max]
    return segments.flatMap { segment in
      numbers.map { RecordID(segment: SegmentID(rawValue: segment), number: $0) }
    }
  }

  @Test
  func `an identifier comes back from its text, which orders like it`() {
    let texts = samples.map(\.description)
    #expect(texts.allSatisfy { $0.utf8.count == 20 })
    #expect(texts.map { RecordID($0) } == samples)
    #expect(samples == samples.sorted())
    for (first, second) in zip(texts, texts.dropFirst()) {
      #expect(first.utf8.lexicographicallyPrecedes(second.utf8))
    }
  }

  @Test
  func `random identifiers come back from their text`() {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for _ in 0..<2000 {
      let segment = SegmentID(rawValue: UInt32(truncatingIfNeeded: random.next()))
      let record = RecordID(segment: segment, number: random.next() >> UInt64(random.below(64)))
      #expect(RecordID("\(record)") == record)
    }
  }

  @Test
  func `any other text is refused`() {
    let text = "\(RecordID(segment: SegmentID(rawValue: 7), number: 9))"
    #expect(text == "00000070000000000009")
    var others = [
      "", "0", String(text.dropLast()), text + "0", text.uppercased() + " ", " " + text,
    ]
    for digit in ["i", "l", "o", "u", "A", "-", "é", "\0"] {
      others.append(text.dropLast() + digit)
    }
    // More than 32 bits of segment, more than 64 of number.
    others.append("4" + text.dropFirst())
    others.append(text.prefix(7) + "g" + text.dropFirst(8))
    for other in others { #expect(RecordID(other) == nil, "\(other)") }
    #expect(RecordID("3zzzzzzfzzzzzzzzzzzz")?.number == .max)
  }
}
