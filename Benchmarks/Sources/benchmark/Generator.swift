// SPDX-License-Identifier: Apache-2.0

/// The pseudo-random sequence that every measured program can make: splitmix64.
struct SplitMix64 {
  private var state: UInt64

  init(state: UInt64) {
    self.state = state
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Record `i`: a key of 24 bytes and a value of 150 bytes.
struct GeneratedRecord {
  let key: [UInt8]
  let value: [UInt8]

  init(_ index: UInt64) {
    var numbers = SplitMix64(state: index &* 0xD134_2543_DE82_EF95 &+ 3)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(176)
    for _ in 0..<22 {
      let number = numbers.next()
      for shift in stride(from: 0, to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
      }
    }
    key = Array(bytes[..<24])
    value = Array(bytes[24..<174])
  }

  /// Whether the generator makes what its description says: FNV-1a 64 over the first 1000.
  static var isFaithful: Bool {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<UInt64(1000) {
      let record = GeneratedRecord(index)
      for byte in record.key + record.value {
        hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
      }
    }
    return hash == 0x77BE_32E3_34C2_14B4
  }
}

/// A row as services keep them: a key, two texts, an integer, an amount.
struct GeneratedRow {
  /// In which order keys come.
  enum KeyOrder: String, CaseIterable {
    case ascending
    case random
  }

  let key: String
  let name: String
  let note: String
  let quantity: UInt64
  let price: String

  init(_ index: UInt64, keys: KeyOrder) {
    let record = GeneratedRecord(index)
    switch keys {
    case .ascending:
      let digits = String(index, radix: 16)
      key = String(repeating: "0", count: 24 - digits.count) + digits
    case .random: key = hexadecimal(record.key[..<12])
    }
    name = hexadecimal(record.value[..<8])
    note = hexadecimal(record.value[8..<40])
    quantity = UInt64(record.value[40]) << 8 | UInt64(record.value[41])
    let cents = UInt64(record.value[42]) << 8 | UInt64(record.value[43])
    price = "\(cents / 100).\(cents % 100 / 10)5"
  }

  var jsonLine: String {
    """
    {"_key":"\(key)","name":"\(name)","note":"\(note)","quantity":\(quantity),"price":\(price)}

    """
  }

  var csvLine: String { "\(key),\(name),\(note),\(quantity),\(price)\n" }
}

private func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  text.reserveCapacity(bytes.count * 2)
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}
