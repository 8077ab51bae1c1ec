// SPDX-License-Identifier: Apache-2.0

/// A part of what a command reports: what JSON can say, with members in the order given.
indirect enum Item: Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  case unsigned(UInt64)
  case text(String)
  /// JSON that is written already.
  case json([UInt8])
  case array([Item])
  case object([Member])

  struct Member: Sendable {
    let name: String
    let item: Item
  }

  init(_ count: Int) { self = .integer(Int64(count)) }

  /// The text, or null.
  init(_ text: String?) { self = text.map(Item.text) ?? .null }

  /// Whether it is neither an array nor an object.
  var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }
}

extension Item: ExpressibleByDictionaryLiteral, ExpressibleByStringLiteral {
  init(dictionaryLiteral members: (String, Item)...) {
    self = .object(members.map { Member(name: $0.0, item: $0.1) })
  }

  init(stringLiteral text: String) {
    self = .text(text)
  }
}

// MARK: - JSON

extension Item {
  /// One line of JSON.
  var json: String {
    var text = ""
    write(to: &text, indentation: nil)
    return text
  }

  /// JSON over several lines, for people and programs alike.
  var prettyJSON: String {
    var text = ""
    write(to: &text, indentation: 0)
    return text
  }

  private func write(to text: inout String, indentation: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let bool): text += "\(bool)"
    case .integer(let number): text += "\(number)"
    case .unsigned(let number): text += "\(number)"
    case .json(let bytes): text += String(decoding: bytes, as: UTF8.self)
    case .text(let string): text += string.jsonString
    case .array(let items):
      Self.write(items, between: ("[", "]"), to: &text, indentation) { item, text, indentation in
        item.write(to: &text, indentation: indentation)
      }
    case .object(let members):
      Self.write(members, between: ("{", "}"), to: &text, indentation) {
        member, text, indentation in
        text += member.name.jsonString + (indentation == nil ? ":" : ": ")
        member.item.write(to: &text, indentation: indentation)
      }
    }
  }

  private static func write<Element>(
    _ elements: [Element], between brackets: (String, String), to text: inout String,
    _ indentation: Int?, _ writeElement: (Element, inout String, Int?) -> Void
  ) {
    text += brackets.0
    let inner = indentation.map { $0 + 2 }
    for (slot, element) in elements.enumerated() {
      if slot > 0 { text += "," }
      if let inner { text += "\n" + String(repeating: " ", count: inner) }
      writeElement(element, &text, inner)
    }
    if let indentation, !elements.isEmpty {
      text += "\n" + String(repeating: " ", count: indentation)
    }
    text += brackets.1
  }
}

extension String {
  /// The text as a JSON string.
  ///
  /// Characters that a terminal might obey are escaped as well.
  var jsonString: String {
    var text = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"", "\\": text += "\\\(scalar)"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}

// MARK: - Text

extension Item {
  /// The item as a person reads it, on one line.
  var plainText: String {
    switch self {
    case .null: "-"
    case .text(let text): text
    case .array(let items) where items.allSatisfy(\.isScalar):
      items.isEmpty ? "none" : items.map(\.plainText).joined(separator: ", ")
    default: json
    }
  }

  /// An object as lines of `name: value`, what is nested indented below its name.
  func textLines(indentation: String = "") -> [String] {
    guard case .object(let members) = self else {
      return [indentation + plainText.terminalSafe]
    }
    return members.flatMap { member in
      let name = indentation + member.name.terminalSafe + ":"
      switch member.item {
      case .object(let inner) where !inner.isEmpty:
        return [name] + member.item.textLines(indentation: indentation + "  ")
      case .array(let items) where !items.allSatisfy(\.isScalar):
        return [name]
          + items.flatMap { item in
            let lines = item.textLines(indentation: indentation + "    ")
            guard let first = lines.first else { return lines }
            return [indentation + "  - " + first.drop { $0 == " " }] + lines.dropFirst()
          }
      case .object: return [name + " none"]
      default: return [name + " " + member.item.plainText.terminalSafe]
      }
    }
  }
}

// MARK: - CSV

extension Item {
  /// The item as a cell of CSV, quoted where needed; null is an empty cell.
  var csvCell: String {
    switch self {
    case .null: ""
    case .text(let text): text.csvCell
    default: json.csvCell
    }
  }
}

extension String {
  /// The text as a cell of CSV (RFC 4180), quoted where needed.
  var csvCell: String {
    guard utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else {
      return self
    }
    var cell = "\""
    for scalar in unicodeScalars {
      if scalar == "\"" { cell += "\"" }
      cell.unicodeScalars.append(scalar)
    }
    return cell + "\""
  }
}
