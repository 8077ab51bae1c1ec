// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

extension HybridTimestamp {
  /// The time as in RFC 3339, to the millisecond, in UTC; the counter is left out.
  var text: String {
    let seconds = milliseconds / 1000
    let (days, time) = seconds.quotientAndRemainder(dividingBy: 86400)
    let date = Self.date(Int64(days))
    return Self.digits(date.year, 4) + "-" + Self.digits(date.month, 2) + "-"
      + Self.digits(date.day, 2) + "T" + Self.digits(Int64(time / 3600), 2) + ":"
      + Self.digits(Int64(time / 60 % 60), 2) + ":" + Self.digits(Int64(time % 60), 2) + "."
      + Self.digits(Int64(milliseconds % 1000), 3) + "Z"
  }

  /// The day of the Gregorian calendar, so many days after 1970-01-01.
  ///
  /// Years are counted from March, so that the leap day is the last of its year.
  private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  private static func digits(_ number: Int64, _ count: Int) -> String {
    let text = "\(number)"
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
}
