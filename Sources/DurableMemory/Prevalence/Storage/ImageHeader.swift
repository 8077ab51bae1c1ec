// SPDX-License-Identifier: Apache-2.0

/// What is written of an image of the model when all its chunks are: an image without it is none.
struct ImageHeader: Codable, Equatable {
  static let supportedFormat = 1
  /// Bytes of a chunk.
  static let chunkBytes = 60_000

  /// The form of the header and the chunks.
  var format = supportedFormat
  /// The last command that the image contains.
  var number: UInt64
  /// The time of that command in milliseconds since 1970; 0 when there was none.
  var time: UInt64
  /// What the type of the model is called.
  var modelName: String
  /// The form of its bytes.
  var modelVersion: Int
  /// What the tree with the chunks is called, behind what the names of all of them begin with.
  ///
  /// Not its number: a tree that is copied into another store by its name has another number there.
  var tree: String
  /// How many chunks there are.
  var chunks: UInt32
  /// How many bytes they have together.
  var bytes: Int
  /// The CRC-32C of all of them.
  var checksum: UInt32
  /// The hash of the state, if there is a function for it and hashes are asked for.
  var stateHash: UInt64?
}
