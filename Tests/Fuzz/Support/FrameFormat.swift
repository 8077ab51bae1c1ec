// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// How the frames of a stream are laid out, so that mutated ones can be given right checksums and
/// what lies behind these is reached.
///
/// Written from docs/FORMAT.md, not from the sources.
public struct FrameFormat: Sendable {
  private let magic: [UInt8]
  /// Bytes of a header, whose last four are its checksum and the four before the payload's.
  private let headerBytes: Int
  /// The type of the last frame, whose payload holds the digest of all before.
  private let totalsType: UInt8

  private static let typeOffset = 10
  private static let codecOffset = 11
  private static let numberOffset = 16
  private static let plainLengthOffset = 24
  private static let storedLengthOffset = 28

  /// Journal streams.
  public static let journal = FrameFormat(
    magic: Array("RSJOURNL".utf8), headerBytes: 64, totalsType: 5)
  /// Snapshots.
  public static let snapshot = FrameFormat(
    magic: Array("RSSNAPSH".utf8), headerBytes: 48, totalsType: 4)

  /// Numbers the frames, and gives them right checksums and the last the right digest.
  ///
  /// With `realigning` a payload without compression reaches to the next frame, whatever its length
  /// was, so that mutations may make it longer or shorter.
  public func repair(_ stream: inout [UInt8], realigning: Bool = false) {
    var start = 0
    var number: UInt8 = 0
    while stream.count - start >= headerBytes {
      if realigning, stream[start + Self.codecOffset] == 0 { realign(&stream, start) }
      let payload = start + headerBytes
      for index in 0..<8 { stream[start + Self.numberOffset + index] = index == 0 ? number : 0 }
      let end = min(payload + length(stream, start + Self.storedLengthOffset), stream.count)
      if stream[start + Self.typeOffset] == totalsType {
        repairDigest(&stream, before: start, in: payload..<end)
      }
      set(Checksum.crc32c(of: stream[payload..<end]), at: payload - 8, in: &stream)
      set(Checksum.crc32c(of: stream[start..<payload - 4]), at: payload - 4, in: &stream)
      start = end
      number &+= 1
    }
  }

  /// The same frames without compression, so that mutations reach what is in them.
  public func expanded(_ stream: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var start = 0
    while stream.count - start >= headerBytes {
      let payload = start + headerBytes
      let end = min(payload + length(stream, start + Self.storedLengthOffset), stream.count)
      var header = Array(stream[start..<payload])
      var plain = Array(stream[payload..<end])
      let plainLength = length(stream, start + Self.plainLengthOffset)
      if header[Self.codecOffset] == 1,
        let expanded = ZlibCodec.expand(plain[...], plainLength: plainLength)
      {
        plain = expanded
        header[Self.codecOffset] = 0
        set(UInt32(plainLength), at: Self.storedLengthOffset, in: &header)
      }
      result += header + plain
      start = end
    }
    repair(&result)
    return result
  }

  private func realign(_ stream: inout [UInt8], _ start: Int) {
    let payload = start + headerBytes
    var end = payload
    while end < stream.count, !stream[end...].starts(with: magic) { end += 1 }
    set(UInt32(end - payload), at: start + Self.plainLengthOffset, in: &stream)
    set(UInt32(end - payload), at: start + Self.storedLengthOffset, in: &stream)
  }

  private func length(_ stream: [UInt8], _ offset: Int) -> Int {
    (0..<4).reversed().reduce(0) { $0 << 8 | Int(stream[offset + $1]) }
  }

  /// The digest follows three numbers in an array.
  private func repairDigest(_ stream: inout [UInt8], before end: Int, in payload: Range<Int>) {
    var reader = CBORReader(Array(stream[payload]))
    guard (try? reader.readArrayCount()) != nil, (try? reader.readUnsigned()) != nil,
      (try? reader.readUnsigned()) != nil, (try? reader.readUnsigned()) != nil
    else { return }
    // The string's head says in two bytes that 32 follow.
    let start = payload.lowerBound + reader.position + 2
    guard start + 32 <= payload.upperBound else { return }
    stream.replaceSubrange(start..<start + 32, with: Hash256.of(Array(stream[..<end])).bytes)
  }

  private func set(_ number: UInt32, at offset: Int, in stream: inout [UInt8]) {
    for index in 0..<4 {
      stream[offset + index] = UInt8(truncatingIfNeeded: number >> UInt32(8 * index))
    }
  }
}
