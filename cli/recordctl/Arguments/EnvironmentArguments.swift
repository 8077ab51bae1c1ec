// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// Gives every option an environment variable.
///
/// `RECORDCTL_` and its long name in capitals, so `--token-file` is `RECORDCTL_TOKEN_FILE`. The
/// command line comes first.
///
/// The parser's own description of the commands says which options exist, so that an option
/// cannot be forgotten here; the values take the way of any argument, with the same checks.
struct EnvironmentArguments {
  /// Options of which the command line may name only one: a variable yields to all of its row.
  private static let exclusive: [Set<String>] = [
    ["batch", "atomic"], ["push", "pull"], ["quiet", "verbose"],
  ]

  private let root: CommandDescription
  private let variables: [String: String]

  /// Reads the commands from the parser.
  ///
  /// `variables` is the process's environment.
  init(variables: [String: String]) throws {
    self.variables = variables.filter { $0.key.hasPrefix("RECORDCTL_") && !$0.value.isEmpty }
    let description = Data(Recordctl._dumpHelp().utf8)
    root = try JSONDecoder().decode(ToolDescription.self, from: description).command
  }

  /// The arguments followed by what the environment adds to them.
  func completing(_ arguments: [String]) throws -> [String] {
    guard !variables.isEmpty, let command = root.command(namedBy: arguments) else {
      return arguments
    }
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    let given = Set(arguments[..<end].compactMap(command.optionName))
    let blocked = Self.exclusive.filter { !$0.isDisjoint(with: given) }.reduce(given) {
      $0.union($1)
    }
    var added: [String] = []
    for option in command.options where !blocked.contains(option.name) {
      guard let value = variables[option.variable] else { continue }
      added += try option.arguments(for: value)
    }
    return arguments[..<end] + added + arguments[end...]
  }
}

/// The part of the parser's self-description that is needed here.
private struct ToolDescription: Decodable {
  let command: CommandDescription
}

private struct CommandDescription: Decodable {
  let commandName: String
  let subcommands: [CommandDescription]?
  let arguments: [ArgumentDescription]?

  /// The innermost command that the leading words name, or nil when they name none.
  func command(namedBy words: some Sequence<String>) -> CommandDescription? {
    guard let subcommands, !subcommands.isEmpty else { return self }
    var rest = words.makeIterator()
    while let word = rest.next() {
      if word.hasPrefix("-") { continue }
      let found = subcommands.first { $0.commandName == word }
      return found?.command(namedBy: IteratorSequence(rest))
    }
    return nil
  }

  var options: [ArgumentDescription] {
    (arguments ?? []).filter {
      $0.kind != "positional" && !$0.name.isEmpty
        && !["help", "version"].contains($0.name)
    }
  }

  /// The long name of the option that `word` is, also where it was given by its short name.
  func optionName(_ word: String) -> String? {
    guard word.hasPrefix("-"), word != "-" else { return nil }
    let name = word.drop { $0 == "-" }.prefix { $0 != "=" }
    return options.first { $0.names?.contains { $0.name == name } ?? false }?.name
  }
}

private struct ArgumentDescription: Decodable {
  struct Name: Decodable {
    let kind: String
    let name: String
  }

  let kind: String
  let names: [Name]?

  /// The long name; empty for positional arguments.
  var name: String { names?.first { $0.kind == "long" }?.name ?? "" }

  var variable: String {
    "RECORDCTL_" + name.uppercased().replacingOccurrences(of: "-", with: "_")
  }

  /// What stands on the command line when the variable has that value.
  func arguments(for value: String) throws -> [String] {
    guard kind == "flag" else { return ["--\(name)=\(value)"] }
    switch value.lowercased() {
    case "1", "true", "yes", "on": return ["--\(name)"]
    case "0", "false", "no", "off": return []
    default: throw ValidationError("\(variable) must be 1 or 0, not '\(value)'")
    }
  }
}
