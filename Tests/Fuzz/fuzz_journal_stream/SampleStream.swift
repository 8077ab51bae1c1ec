// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import FuzzSupport

/// Streams that the writer makes only of what is too long for a seed.
enum SampleStream {
  private static let fragment: UInt8 = 3
  private static let commit: UInt8 = 4
  private static let store = SampleTransactions.storeID.bytes.prefix(8)

  /// A transaction in two fragments.
  static func inFragments(_ transaction: EncodedTransaction) -> [UInt8] {
    let bytes = transaction.bytes
    let half = bytes.count / 2
    var stream = beginning
    for (place, part) in [bytes[..<half], bytes[half...]].enumerated() {
      stream += frame(fragment, Array(part), place: place, of: bytes.count)
    }
    stream += frame(commit, transaction.hash.bytes, place: 2, of: bytes.count)
    FrameFormat.journal.repair(&stream)
    return stream
  }

  /// A fragment of few bytes that expand to the most a frame may hold.
  static var withBomb: [UInt8] {
    let zeros = [UInt8](repeating: 0, count: 1 << 20)
    guard let stored = ZlibCodec.compress(zeros, level: 9) else { fatalError("no bomb") }
    var stream =
      beginning
      + frame(fragment, stored, place: 0, of: 1 << 30, plainLength: zeros.count)
    FrameFormat.journal.repair(&stream)
    return stream
  }

  private static var beginning: [UInt8] {
    var cbor = CBORWriter()
    cbor.write(arrayCount: 2)
    cbor.write(bytes: SampleTransactions.storeID.bytes)
    cbor.write(mapCount: 0)
    return frame(1, cbor.bytes, place: 0, of: 0)
  }

  /// A frame without number and checksums.
  private static func frame(
    _ type: UInt8, _ payload: [UInt8], place: Int, of count: Int, plainLength: Int? = nil
  ) -> [UInt8] {
    let codec: UInt8 = plainLength == nil ? 0 : 1
    let header =
      Array("RSJOURNL".utf8) + [1, 0, type, codec, 0, 0, 0, 0] + number(0, 8)
      + number(plainLength ?? payload.count, 4) + number(payload.count, 4)
      + number(type == commit ? 1 : 0, 4) + number(place, 4) + store + number(count, 8)
      + number(0, 8)
    return header + payload
  }

  /// A number, least significant byte first.
  private static func number(_ number: Int, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }
}
