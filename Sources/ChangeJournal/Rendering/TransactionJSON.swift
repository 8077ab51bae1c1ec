// SPDX-License-Identifier: Apache-2.0

/// A transaction as one JSON object, as `recordctl journal inspect --output json` prints it and
/// docs/FORMAT.md section 4 defines it.
public enum TransactionJSON {
  /// Renders a transaction as one line of UTF-8, without the line's end.
  ///
  /// - Throws: `CodingError` when the operations are not canonical.
  public static func line(_ transaction: EncodedTransaction) throws -> [UInt8] {
    var text = JSONText()
    let header = transaction.header
    text.append(literal: "{\"origin\":")
    text.append(header.origin.description)
    text.append(literal: ",\"sequence\":")
    text.append(header.sequence)
    text.append(literal: ",\"timestamp\":")
    text.append(header.timestamp.rawValue)
    text.append(literal: ",\"time\":")
    text.append(CalendarTime.text(milliseconds: header.timestamp.milliseconds))
    text.append(literal: ",\"dependencies\":{")
    text.appendList(header.dependencies.entries) { text, entry in
      text.append(entry.origin.description)
      text.append(literal: ":")
      text.append(entry.sequence)
    }
    text.append(literal: "},\"schemaEpoch\":")
    text.append(header.schemaEpoch)
    text.append(literal: ",\"hash\":")
    text.append(transaction.hash.description)
    text.append(literal: ",\"operations\":[")
    var isFirst = true
    try transaction.forEachOperation { operation in
      if !isFirst { text.append(literal: ",") }
      isFirst = false
      text.append(operation)
    }
    text.append(literal: "]}")
    return text.bytes
  }
}

extension JSONText {
  fileprivate mutating func append(_ operation: Operation) {
    append(literal: "{\"collection\":")
    append(operation.collection)
    append(literal: ",\"key\":")
    append(operation.key)
    switch operation.change {
    case .delete:
      append(literal: ",\"kind\":\"delete\"}")
    case .patch(let fields):
      append(literal: ",\"kind\":\"patch\",\"fields\":{")
      appendList(fields.lazy.compactMap { field in field.value.map { (field.field, $0) } }) {
        $0.append(member: $1.0, $1.1)
      }
      append(literal: "},\"removed\":[")
      appendList(fields.lazy.filter { $0.value == nil }) { $0.append($1.field) }
      append(literal: "]}")
    }
  }

  private mutating func append(_ key: RecordKey) {
    switch key {
    case .integer(let number):
      append(literal: "{\"type\":\"integer\",\"value\":")
      append(number)
    case .text(let text):
      append(literal: "{\"type\":\"text\",\"value\":")
      append(text)
    case .uuid(let uuid):
      append(literal: "{\"type\":\"uuid\",\"value\":")
      append(uuid.description)
    }
    append(literal: "}")
  }
}

/// Coordinated universal time as text, without Foundation.
public enum CalendarTime {
  /// Writes milliseconds since 1970 as RFC 3339 with three decimals; years beyond 9999 have more
  /// digits.
  public static func text(milliseconds: UInt64) -> String {
    let (days, millisecondOfDay) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
    let (year, month, day) = date(daysSince1970: days)
    let second = millisecondOfDay / 1000
    let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    let time =
      "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
    return "\(date)T\(time).\(padded(millisecondOfDay % 1000, 3))Z"
  }

  /// The civil date of a day, counted in eras of 400 years that begin on the first of March.
  private static func date(daysSince1970: UInt64) -> (UInt64, UInt64, UInt64) {
    let shifted = daysSince1970 + 719_468
    let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
  }

  private static func padded(_ number: UInt64, _ width: Int) -> String {
    let digits = number.description
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
