// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Dispatch
import Foundation

/// The command without a subcommand: it only names the others.
struct Recordctl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recordctl",
    abstract: "Keeps records in one file, offline, and synchronises them with peers.",
    discussion: """
      A store is named by --store, else by RECORDCTL_STORE, else it is ./records.store. Every \
      option has such a variable: RECORDCTL_ and its long name in capitals.

      Data goes to standard output, progress and messages to standard error.

      EXIT CODES:
      \(ExitStatus.table)
      """,
    version: "0.1.0",
    subcommands: [
      Initialize.self, Put.self, Get.self, Delete.self, List.self, Import.self, Export.self,
      SnapshotCommand.self, JournalCommand.self, Serve.self, Sync.self, Status.self, Info.self,
      Check.self, Compact.self, Recover.self, Doctor.self, MemoryCommand.self, Bench.self,
    ])
}

@main
enum Main {
  /// Not async: the signals must be taken over before there is a second thread, and the main
  /// thread of an async program would wait with all signals let in.
  static func main() {
    OpenFiles.fillStandardPlaces()
    FreedMemory.keep()
    do {
      try OpenFiles.ensure()
    } catch {
      Log(level: .notice).report(error)
      exit(error.status.rawValue)
    }
    let interruption = Interruption.install()
    Task.detached {
      let status = await run(
        Array(CommandLine.arguments.dropFirst()), ProcessInfo.processInfo.environment,
        interruption)
      exit(status.rawValue)
    }
    DispatchSemaphore(value: 0).wait()
  }

  /// Runs one command line to its end, messages included.
  static func run(
    _ arguments: [String], _ variables: [String: String], _ interruption: Interruption
  ) async -> ExitStatus {
    var log = Log(level: .notice)
    do {
      if let place = ProcessArguments.firstInvalid() {
        throw ValidationError("argument \(place) is not UTF-8")
      }
      let complete = try EnvironmentArguments(variables: variables).completing(arguments)
      try Self.checkHelp(arguments)
      var parsed = try Recordctl.parseAsRoot(complete)
      guard let command = parsed as? any StoreCommand else {
        let subcommands = type(of: parsed).configuration.subcommands
        if !subcommands.isEmpty { throw ValidationError(Self.question(subcommands)) }
        // A request for help, which it answers by throwing it.
        try parsed.run()
        return .success
      }
      log = Log(command.common)
      log.inform("\(type(of: command)._commandName): store \(command.common.store)")
      return try await command.execute(in: Context(command.common, log, interruption))
    } catch let error where Recordctl.exitCode(for: error) == .success {
      return answer(Recordctl.fullMessage(for: error))
    } catch {
      let failure = Failure(describing: error).explainingDashes(in: arguments)
      log.report(failure)
      return failure.status
    }
  }

  /// Refuses help on a command that does not exist: the parser would help with another one.
  private static func checkHelp(_ arguments: [String]) throws {
    guard arguments.first == "help" else { return }
    var commands = Recordctl.configuration.subcommands
    for name in arguments.dropFirst() where !name.hasPrefix("-") {
      guard let command = commands.first(where: { $0._commandName == name }) else {
        throw ValidationError("there is no command '\(name)'")
      }
      commands = command.configuration.subcommands
    }
  }

  private static func question(_ subcommands: [any ParsableCommand.Type]) -> String {
    "which command? One of:\n" + subcommands.map { "  \($0._commandName)" }.joined(separator: "\n")
  }

  /// Prints what `--help` or `--version` asked for.
  private static func answer(_ text: String) -> ExitStatus {
    do {
      try Descriptor.output.write((text + "\n").utf8)
      return .success
    } catch {
      return Failure(describing: error).status
    }
  }
}
