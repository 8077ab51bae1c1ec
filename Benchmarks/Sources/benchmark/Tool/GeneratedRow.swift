// SPDX-License-Identifier: Apache-2.0

import Workloads

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
    let record = RecordTable(index..<index + 1)
    let value = record.value(0)
    switch keys {
    case .ascending:
      let digits = String(index, radix: 16)
      key = String(repeating: "0", count: 24 - digits.count) + digits
    case .random: key = hexadecimal(record.key(0)[..<12])
    }
    name = hexadecimal(value[..<8])
    note = hexadecimal(value[8..<40])
    quantity = UInt64(value[40]) << 8 | UInt64(value[41])
    let cents = UInt64(value[42]) << 8 | UInt64(value[43])
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
