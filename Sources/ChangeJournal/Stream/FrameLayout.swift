// SPDX-License-Identifier: Apache-2.0

/// The numbers of the journal stream, as docs/FORMAT.md section 3 lists them.
///
/// A test compares the two.
///
/// ```
/// stream = frame(stream) { frame(batch) | frame(fragment)… frame(commit) } frame(totals)
/// frame  = header (64 bytes, little-endian) payload (stored length)
/// ```
enum FrameLayout {
  /// The first bytes of every frame.
  static let magic: [UInt8] = Array("RSJOURNL".utf8)
  /// The version this program writes and the highest it reads.
  static let version: UInt16 = 1
  /// Bytes of a frame header.
  static let headerBytes = 64
  /// Most bytes of a frame's payload before compression.
  ///
  /// Stored payloads are never longer.
  static let payloadBytes = 1 << 20

  /// Where the fields of a frame header begin.
  enum Offset {
    static let magic = 0
    static let version = 8
    static let type = 10
    static let codec = 11
    static let flags = 12
    static let number = 16
    static let plainLength = 24
    static let storedLength = 28
    static let transactionCount = 32
    static let fragment = 36
    static let store = 40
    static let transactionLength = 48
    static let payloadChecksum = 56
    static let headerChecksum = 60
  }
}

/// What a frame carries.
enum FrameType: UInt8, CaseIterable {
  /// The beginning: store id, and the position the stream continues from.
  case stream = 1
  /// Whole transactions, each behind its length.
  case batch = 2
  /// A piece of a transaction that is too long for a batch.
  case fragment = 3
  /// The end of such a transaction: its chain hash.
  case commit = 4
  /// The end: counts, and a digest over everything before.
  case totals = 5
}

/// How the payload of a frame is stored.
enum FrameCodec: UInt8, CaseIterable {
  /// As it is.
  case none = 0
  /// As one zlib stream (RFC 1950).
  case zlib = 1
}
