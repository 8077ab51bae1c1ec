// SPDX-License-Identifier: Apache-2.0

/// A Swift file as far as its rules of style need to see it: code without comments and strings.
struct SwiftSource {
  /// The code, line by line, with comments and the content of strings blanked out.
  let code: [String]

  init(_ text: String) {
    var scanner = Scanner(characters: Array(text))
    code = scanner.scan().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// Where a function starts (from 1) and how many lines it has, its declaration included.
  struct Function {
    let line: Int
    let lines: Int
    let declaration: String
  }

  /// Every function, initialiser, subscript and accessor with a body.
  var functions: [Function] {
    var found: [Function] = []
    for (index, line) in code.enumerated() where Self.declaresFunction(line) {
      guard let end = endOfBody(from: index) else { continue }
      let declaration = line.trimmingPrefix { $0 == " " }
      found.append(
        Function(line: index + 1, lines: end - index + 1, declaration: String(declaration)))
    }
    return found
  }

  private static func declaresFunction(_ line: String) -> Bool {
    let words = line.split { !$0.isLetter && $0 != "_" }
    let declares = words.contains { ["func", "init", "deinit", "subscript"].contains($0) }
    return declares && !line.contains(".init")
  }

  /// The last line of the body of what is declared in line `start`; nil when it has none.
  ///
  /// The formatter sees to it that a body ends with a brace below the declaration's first letter.
  private func endOfBody(from start: Int) -> Int? {
    if code[start].contains("{"), code[start].hasSuffix("}") { return start }
    let indentation = Self.indentation(code[start])
    for index in (start + 1)..<code.count where !code[index].isEmpty {
      let depth = Self.indentation(code[index])
      if depth < indentation { return nil }
      guard depth == indentation, let first = code[index].dropFirst(depth).first else { continue }
      if first == "}" { return index }
      if first.isLetter || first == "@" { return nil }
    }
    return nil
  }

  private static func indentation(_ line: String) -> Int {
    line.prefix { $0 == " " }.count
  }
}

/// Blanks out comments and the content of strings; keeps line breaks.
private struct Scanner {
  let characters: [Character]
  private var position = 0
  private var output = ""

  init(characters: [Character]) {
    self.characters = characters
  }

  mutating func scan() -> String {
    while position < characters.count {
      if starts(with: "//") {
        while position < characters.count, characters[position] != "\n" { position += 1 }
      } else if starts(with: "/*") {
        skipComment()
      } else if let delimiter = stringDelimiter() {
        skipString(delimiter)
      } else {
        output.append(characters[position])
        position += 1
      }
    }
    return output
  }

  private func starts(with text: String) -> Bool {
    characters[position...].starts(with: text)
  }

  /// Passes one character, keeping it only where it is a line break.
  private mutating func skip(_ count: Int = 1) {
    for _ in 0..<count where position < characters.count {
      if characters[position] == "\n" { output.append("\n") }
      position += 1
    }
  }

  private mutating func skipComment() {
    var depth = 0
    repeat {
      if starts(with: "/*") {
        depth += 1
        skip(2)
      } else if starts(with: "*/") {
        depth -= 1
        skip(2)
      } else {
        skip()
      }
    } while depth > 0 && position < characters.count
  }

  /// What opens the string that starts here: its number signs and its quotes.
  private func stringDelimiter() -> (signs: Int, quotes: String)? {
    var end = position
    while end < characters.count, characters[end] == "#" { end += 1 }
    guard end < characters.count, characters[end] == "\"" else { return nil }
    let isLong = characters[end...].starts(with: "\"\"\"")
    return (end - position, isLong ? "\"\"\"" : "\"")
  }

  private mutating func skipString(_ delimiter: (signs: Int, quotes: String)) {
    let signs = String(repeating: "#", count: delimiter.signs)
    skip(delimiter.signs + delimiter.quotes.count)
    while position < characters.count, !starts(with: delimiter.quotes + signs) {
      if starts(with: "\\" + signs + "(") {
        skipInterpolation(signs.count + 2)
      } else if starts(with: "\\" + signs) {
        skip(signs.count + 2)
      } else {
        skip()
      }
    }
    skip(delimiter.quotes.count + delimiter.signs)
    output += "\"\""
  }

  private mutating func skipInterpolation(_ opening: Int) {
    skip(opening)
    var depth = 1
    while position < characters.count, depth > 0 {
      if let delimiter = stringDelimiter() {
        skipString(delimiter)
        continue
      }
      if characters[position] == "(" { depth += 1 }
      if characters[position] == ")" { depth -= 1 }
      skip()
    }
  }
}
