// SPDX-License-Identifier: Apache-2.0

/// The commands that a journal may hold, and how older forms of them are read.
public struct CommandRegistry<Model: Sendable>: Sendable {
  /// A form of a command in the journal.
  struct Form: Hashable {
    /// The bytes of its name: texts that Unicode calls equivalent name two commands.
    let name: [UInt8]
    let version: Int
  }

  /// Decodes a command and executes it.
  typealias Replay =
    @Sendable (ArraySlice<UInt8>, inout Model, inout CommandContext) throws -> Void

  private(set) var forms: [Form: Replay] = [:]
  /// A `RegisteredCommand` of each type; few, and so looked through faster than hashed.
  private var types: [(type: ObjectIdentifier, command: any AnyObject & Sendable)] = []
  /// Names that are used twice, and the like.
  private(set) var mistakes: [String] = []

  /// A registry without commands.
  public init() {}

  /// Registers several types at once.
  public init(_ types: any Command<Model>.Type...) {
    for type in types { register(type) }
  }

  /// Registers a type; needed before a command of it can be executed.
  public mutating func register<C: Command>(_ type: C.Type) where C.Model == Model {
    let registered = RegisteredCommand(type)
    // One that is there already is a mistake, which `add` notes.
    types.append((ObjectIdentifier(C.self), registered))
    add(C.name, C.version) { bytes, model, context in
      let command: C
      do {
        command = try registered.codec.decode(bytes)
      } catch {
        throw CommandFailure.undecodable("\(error)")
      }
      try command.validate(model, in: &context)
      _ = try command.execute(on: &model, in: &context)
    }
  }

  /// Reads an older form: commands that are called `name` and have that version are decoded as `Old`
  /// and replaced by what `upgrade` makes of them.
  ///
  /// A renamed command is an upgrade with another name.
  public mutating func upgrade<Old, C: Command>(
    _ name: String, version: Int, with codec: some PrevalentCodec<Old>,
    to upgrade: @escaping @Sendable (Old) throws -> C
  ) where C.Model == Model {
    add(name, version) { bytes, model, context in
      let command: C
      do {
        command = try upgrade(try codec.decode(bytes))
      } catch {
        throw CommandFailure.undecodable("\(error)")
      }
      try command.validate(model, in: &context)
      _ = try command.execute(on: &model, in: &context)
    }
  }

  /// Reads an older form that was written by `BinaryCodec`.
  public mutating func upgrade<Old: Codable, C: Command>(
    _ name: String, version: Int, from old: Old.Type,
    to upgrade: @escaping @Sendable (Old) throws -> C
  ) where C.Model == Model {
    self.upgrade(name, version: version, with: BinaryCodec<Old>(), to: upgrade)
  }

  /// Reads what is still in the journal under a former name of the type.
  public mutating func rename<C: Command>(_ former: String, to type: C.Type)
  where C.Model == Model {
    upgrade(former, version: C.version, with: C.codec) { $0 }
  }

  private mutating func add(_ name: String, _ version: Int, _ replay: @escaping Replay) {
    let form = Form(name: Array(name.utf8), version: version)
    if !(1...255).contains(name.utf8.count) {
      mistakes.append("'\(name)' cannot name a command")
    } else if !(1...Int(UInt32.max)).contains(version) {
      mistakes.append("a command cannot have the version \(version)")
    } else if forms.updateValue(replay, forKey: form) != nil {
      mistakes.append("two commands are called \(name) version \(version)")
    }
  }

  /// What is known of a registered type.
  func registered<C: Command>(_ type: C.Type) -> RegisteredCommand<C>? {
    for entry in types where entry.type == ObjectIdentifier(C.self) {
      return known(entry.command, as: RegisteredCommand<C>.self)
    }
    return nil
  }
}

/// A type of commands, asked once what it always says.
final class RegisteredCommand<C: Command>: Sendable {
  let codec: C.Codec
  /// Name and version as entries have them, between the time and the command.
  let form: [UInt8]

  init(_ type: C.Type) {
    codec = C.codec
    var form: [UInt8] = []
    JournalRecord.appendForm(C.name, version: C.version, to: &form)
    self.form = form
  }
}

/// What keeps a command of the journal from being executed.
enum CommandFailure: Error {
  case undecodable(String)
}
