// SPDX-License-Identifier: Apache-2.0

import Workloads

/// What both record layers store: a number as key, two texts, a count and an amount.
public struct Article: Codable, Equatable, Identifiable, Sendable {
  /// The key; the best that SQLite can have, as it is the place of the row.
  public var id: Int
  /// 16 characters.
  public var name: String
  /// 64 characters.
  public var note: String
  /// Below 65,536.
  public var quantity: Int
  /// Below 656.
  public var price: Double

  /// What a database holds of an article.
  public init(id: Int, name: String, note: String, quantity: Int, price: Double) {
    self.id = id
    self.name = name
    self.note = note
    self.quantity = quantity
    self.price = price
  }

  /// The generated articles with those keys.
  public static func generated(_ ids: Range<Int>) -> [Article] {
    let table = RecordTable(UInt64(ids.lowerBound)..<UInt64(ids.upperBound), keyBytes: 0)
    return ids.map { id in
      let bytes = table.value(id - ids.lowerBound)
      return Article(
        id: id, name: hexadecimal(bytes[..<8]), note: hexadecimal(bytes[8..<40]),
        quantity: Int(bytes[40]) << 8 | Int(bytes[41]),
        price: Double(Int(bytes[42]) << 8 | Int(bytes[43])) / 100)
    }
  }

  private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
}
