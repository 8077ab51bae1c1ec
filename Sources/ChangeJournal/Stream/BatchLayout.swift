// SPDX-License-Identifier: Apache-2.0

/// How transactions lie in the payload of a batch frame: each behind its length.
enum BatchLayout {
  /// Bytes of the length before each transaction.
  static let lengthBytes = 4
  /// Fewest bytes that a transaction and its length can have.
  static let leastTransactionBytes = 4 + 67

  /// Cuts a payload into its transactions, which must be `count`.
  static func transactions(
    in payload: [UInt8], count: Int
  ) throws(CodingError) -> [EncodedTransaction] {
    var transactions: [EncodedTransaction] = []
    var start = 0
    while start < payload.count {
      guard payload.count - start > lengthBytes else {
        throw CodingError(offset: start, problem: .unexpectedEnd)
      }
      let length: UInt32 = payload[start...].littleEndian(at: 0)
      let body = start + lengthBytes
      guard Int(length) <= payload.count - body else {
        throw CodingError(offset: start, problem: .unexpectedEnd)
      }
      start = body + Int(length)
      do throws(CodingError) {
        transactions.append(try EncodedTransaction(decoding: Array(payload[body..<start])))
      } catch {
        throw error.shifted(by: body)
      }
    }
    guard transactions.count == count else {
      throw CodingError(offset: 0, problem: .malformed("transaction count"))
    }
    return transactions
  }
}
