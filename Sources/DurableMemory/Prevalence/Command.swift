// SPDX-License-Identifier: Apache-2.0

/// A change of a model, as a value: executed once when it is given to a `PrevalentSystem`, and again
/// whenever the model is made anew from the journal.
///
/// What `execute` does may depend on the model, the command and the context alone: not on the time,
/// random numbers, files or anything else of the machine. Objects that it refers to are encoded with
/// it, so it names what it changes in the model by a key.
///
/// A command that traps ends the process before anything of it is in the journal.
public protocol Command<Model>: Sendable {
  /// What is changed: a value type.
  associatedtype Model: Sendable
  /// What the caller gets.
  associatedtype Result: Sendable = Void
  /// How the command is written to the journal.
  associatedtype Codec: PrevalentCodec<Self>

  /// What the command is called in the journal: 1 to 255 bytes, for ever.
  static var name: String { get }
  /// The form of its bytes; a registry reads older ones through its upgrades.
  static var version: Int { get }
  /// How it is written to the journal; asked when the type is registered.
  static var codec: Codec { get }
  /// Promises that `execute` has changed nothing when it throws, so that nothing has to be undone.
  ///
  /// `validate` is the safer way to the same: what is promised here is not checked.
  static var throwsOnlyUnchanged: Bool { get }

  /// Refuses the command, by throwing, before anything is changed; costs nothing to undo.
  func validate(_ model: Model, in context: inout CommandContext) throws

  /// Changes the model.
  ///
  /// When it throws, nothing of it remains, and it is not in the journal.
  func execute(on model: inout Model, in context: inout CommandContext) throws -> Result
}

extension Command {
  /// The name of the type, without those it is nested in.
  public static var name: String { String(describing: Self.self) }
  /// The first.
  public static var version: Int { 1 }
  /// Makes no promise.
  public static var throwsOnlyUnchanged: Bool { false }
  /// Refuses nothing.
  public func validate(_ model: Model, in context: inout CommandContext) throws {}
}

extension Command where Self: Codable {
  /// `BinaryCodec`.
  public static var codec: BinaryCodec<Self> { BinaryCodec() }
}

/// What a command may use besides the model and itself; the same at every execution.
public struct CommandContext: Sendable {
  /// The number of the command: 1, 2, … without gaps.
  public let number: UInt64
  /// The time of the command in milliseconds since 1970; never less than that of an earlier one.
  public let now: UInt64
  /// Random numbers that are the same at every execution of the command.
  public var random: CommandRandom
  /// Whether the command is executed again, from the journal or on another copy of the model.
  ///
  /// Only for what has no part in the model, such as counting.
  public let isReplay: Bool
  /// What `emit` was given.
  private(set) var events: [any Sendable] = []
  private(set) var isUnjournaled = false

  init(number: UInt64, now: UInt64, seed: UInt64, isReplay: Bool) {
    self.number = number
    self.now = now
    self.isReplay = isReplay
    random = CommandRandom(seed: seed, number: number)
  }

  /// Tells those who listen of something that happened, once the command is durable; not told again
  /// when the command is replayed.
  public mutating func emit(_ event: some Sendable) {
    if !isReplay { events.append(event) }
  }

  /// Says that the command has changed nothing, so that it gets no number and is not written.
  ///
  /// Its events are told all the same.
  public mutating func leaveOutOfJournal() { isUnjournaled = true }
}

/// Random numbers of one command: splitmix64, begun with the seed of the system and the command's
/// number.
public struct CommandRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64, number: UInt64) {
    state = seed
    // Neighbours begin far from each other.
    state = next() ^ number
    state = next()
  }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
