// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// How a prevalent system is opened.
public struct PrevalentOptions<Model: Sendable>: Sendable {
  /// How images of the model are written and read.
  public var codec: any PrevalentCodec<Model>
  /// What the type of the model is called in the store.
  public var modelName: String
  /// The form of the bytes of an image.
  public var modelVersion = 1
  /// Reads images of older versions.
  public var migrations: [Int: @Sendable (ArraySlice<UInt8>) throws -> Model] = [:]
  /// What `execute` waits for unless told otherwise.
  public var durability: Durability = .synced
  /// When an image of the model is written, and what is kept.
  public var images = ImagePolicy()
  /// After how many commands each a hash of the state goes to the journal and is compared at every
  /// further execution; 0 for never.
  ///
  /// Each takes as long as `stateHash` does.
  public var hashInterval: UInt64 = 0
  /// The hash of a state, equal for equal ones in every process; unless set, of the canonical bytes
  /// of a `Codable` model.
  public var stateHash: (@Sendable (Model) throws -> UInt64)?
  /// The time in milliseconds since 1970.
  public var clock: @Sendable () -> UInt64 = Configuration().clock
  /// What random numbers begin with in a new system; `nil` for a random one.
  public var seed: UInt64?
  /// Which commands are decoded again, as a trial, before they are executed, and which images before
  /// they are written.
  public var verification: CommandVerification = .firstOfEachType
  /// Whether a second copy of the model is kept up to date for queries, images and rollbacks.
  ///
  /// It costs a second execution of each command and twice the memory, and saves commands from ever
  /// waiting while a part of the model is copied.
  public var keepsSecondCopy = false
  /// Where images are written; `nil` for a thread of its own.
  public var scheduler: (any CheckpointScheduler)?
  /// Called with each command before it is executed; refuses it by throwing.
  public var veto: (@Sendable (any Command<Model>, CommandContext) throws -> Void)?
  /// Called with the events of each command, in the order of the commands, one call at a time.
  public var onEvents: (@Sendable (_ command: UInt64, _ events: [any Sendable]) -> Void)?
  /// Called once, when the model is restored and before the first command.
  public var onRestored: (@Sendable (Model, _ lastCommand: UInt64) -> Void)?
  /// Called when what runs in the background fails: images, flushes.
  public var onFailure: (@Sendable (PrevalenceError) -> Void)?

  /// Options with a codec of one's own.
  public init(codec: some PrevalentCodec<Model>) {
    self.codec = codec
    modelName = String(describing: Model.self)
  }
}

extension PrevalentOptions where Model: Codable {
  /// Options with `BinaryCodec`.
  public init() {
    self.init(codec: BinaryCodec<Model>())
    stateHash = { try StateHash.hash(of: $0) }
  }
}

/// When an image of the model is written without being asked for, and how many are kept.
///
/// What is counted goes on over reopenings.
public struct ImagePolicy: Sendable, Equatable {
  /// Commands after the last image; `nil` for no matter how many.
  public var everyCommands: UInt64?
  /// Bytes of journal after the last image, and not fewer than that image has; `nil` for no matter
  /// how many.
  public var everyBytes: Int? = 16 << 20
  /// How many images are kept, at least 1; older ones can replace the newest when it is damaged.
  public var keptImages = 2
  /// Whether the journal is kept from the very first command on, instead of from the oldest image.
  public var keepsWholeJournal = false

  /// The defaults.
  public init() {}

  /// Images after so many commands, or after 16 MiB of journal if that comes first.
  public init(everyCommands: UInt64, keptImages: Int = 2) {
    self.everyCommands = everyCommands
    self.keptImages = keptImages
  }

  /// Images only when asked for.
  public static var manual: ImagePolicy {
    var policy = ImagePolicy()
    policy.everyBytes = nil
    return policy
  }
}

/// Which commands are decoded again before they are executed, and which images before they are
/// written.
public enum CommandVerification: Sendable {
  /// None.
  case none
  /// The first of each type since the system was opened, and the first image.
  case firstOfEachType
  /// All.
  case every
}

extension PrevalentOptions {
  func check(_ registry: CommandRegistry<Model>) throws(PrevalenceError) {
    if let mistake = registry.mistakes.first { throw .invalidOptions(mistake) }
    guard images.keptImages >= 1 else { throw .invalidOptions("at least one image is kept") }
    guard images.everyCommands != 0 else {
      throw .invalidOptions("an image comes after one command at the earliest")
    }
    guard images.everyBytes ?? 1 > 0 else {
      throw .invalidOptions("an image comes after one byte at the earliest")
    }
    guard modelVersion >= 1 else { throw .invalidOptions("versions of a model begin with 1") }
    guard !modelName.isEmpty else { throw .invalidOptions("a model has a name") }
    guard hashInterval == 0 || stateHash != nil else {
      throw .invalidOptions("a state hash is asked for, but no function for it is given")
    }
  }
}
