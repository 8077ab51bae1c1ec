// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// What goes with the model that commands change; under the lock that orders commands.
///
/// It does not depend on the type of the model, since generic code pays for each look at what does.
struct WorkingState {
  /// Bytes of journal in memory after which to look at the store again.
  static let storeLookBytes = 8 << 20

  /// The last command.
  var number: UInt64
  /// Its time in milliseconds since 1970.
  var time: UInt64
  /// The transaction of the last command in the log.
  var commit: UInt64 = 0
  /// The last transaction in the log for which `.synced` was asked, and the last for which
  /// `.written` was.
  private(set) var asked = (synced: UInt64(0), written: UInt64(0))
  var recent: RecentJournal
  /// A copy in the gallery that shares its memory with the model.
  var shared: ShownCopy?
  /// Why nothing can be executed any more.
  var failure: PrevalenceError?
  /// That, until `onFailure` was told of it.
  var untoldFailure: PrevalenceError?
  /// Whether an image since the opening, or what it would be made of, was decoded again.
  var isImageVerified = false
  /// The newest image.
  var image: ImageHeader
  /// Images that are kept, though they cannot be read.
  var skipped: [SkippedImage]
  /// Bytes of journal since the last image was written or tried.
  var bytesSinceImage: Int
  /// The last command when the last image was written or tried.
  var imageTried: UInt64
  var isImageScheduled = false
  /// The first command that is in the journal, or would be.
  var firstEntry: UInt64
  /// The last command that the pages of the store certainly have.
  var stored: UInt64
  /// Bytes of journal in memory at which to look at the store again.
  var bytesToLook = Self.storeLookBytes
  /// Types of which a command was decoded again, where only the first of each is.
  var verified: [ObjectIdentifier] = []
  /// Whether a second copy is kept up to date, asked for or because commands have thrown after they
  /// had changed something.
  var keepsSecondCopy: Bool

  init(_ loaded: LoadedModel<some Sendable>, firstEntry: UInt64, keepsSecondCopy: Bool) {
    number = loaded.number
    time = loaded.time
    image = loaded.image
    skipped = loaded.skipped
    bytesSinceImage = loaded.journalBytes
    imageTried = loaded.image.number
    recent = RecentJournal(after: loaded.number)
    stored = loaded.number
    self.firstEntry = firstEntry
    self.keepsSecondCopy = keepsSecondCopy
  }

  /// What has to be waited for before the last command may be shown; whether that goes for later ones
  /// too is `raises`.
  mutating func promise(_ durability: Durability, raises: Bool) -> CommandPromise {
    if raises, durability == .synced { asked.synced = commit }
    if raises, durability == .written { asked.written = commit }
    return CommandPromise(
      commit: commit, number: number, durability: durability, synced: asked.synced,
      written: asked.written)
  }

  /// Whether an image is due.
  func needsImage(_ policy: ImagePolicy) -> Bool {
    if isImageScheduled || failure != nil { return false }
    if let commands = policy.everyCommands, number - imageTried >= commands { return true }
    guard let bytes = policy.everyBytes, number > imageTried else { return false }
    return bytesSinceImage >= max(bytes, image.bytes)
  }
}
