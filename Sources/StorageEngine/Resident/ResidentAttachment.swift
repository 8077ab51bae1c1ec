// SPDX-License-Identifier: Apache-2.0

/// What is known of a resident tree from its attaching to its detaching.
///
/// Guarded by the structure lock.
final class ResidentAttachment: @unchecked Sendable {
  let tree: UInt32
  let owner: any ResidentContents
  /// The residents it is one of; `nil` once it is detached.
  @safe @exclusivity(unchecked) var place: ObjectIdentifier?
  /// Whether it takes no commits, because it is being detached.
  @safe @exclusivity(unchecked) var isPaused = false
  /// Whether its owner has gone, so that it is to be detached as soon as that can be done.
  @safe @exclusivity(unchecked) var isGivenUp = false

  init(_ tree: UInt32, _ owner: any ResidentContents) {
    self.tree = tree
    self.owner = owner
  }
}
