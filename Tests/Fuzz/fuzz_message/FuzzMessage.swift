// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import FuzzSupport
import PeerSync

/// Decodes arbitrary bytes as what a peer says, and lets a session hear it.
///
/// What is accepted must have exactly the bytes it was decoded from, and whatever a peer says, a
/// session with it must end.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMessage(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let input = unsafe FuzzInput(start, count) else { return 0 }
  switch input.choice & 3 {
  case 0:
    guard let peer = hello(input.bytes) else { return 0 }
    var meeting = Meeting(input.choice, peer, saying: nil)
    meeting.run()
  case 1:
    _ = acknowledgement(input.bytes)
  case 2:
    hearRefusal(input.bytes)
  default:
    // The first byte tells where the acknowledgement begins, counted from the end.
    let length = min(Int(input.bytes.first ?? 0), input.bytes.count)
    let split = input.bytes.count - length
    guard let peer = hello(Array(input.bytes[..<split].dropFirst())),
      let acknowledgement = acknowledgement(Array(input.bytes[split...]))
    else { return 0 }
    var meeting = Meeting(input.choice, peer, saying: acknowledgement)
    meeting.run()
  }
  return 0
}

/// Each message, from peers with and without transactions.
@_cdecl("LLVMFuzzerInitialize")
public func plantSeeds(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) -> CInt {
  var seeds: [[UInt8]] = []
  for peer in Meeting.peers {
    let said = Acknowledgement(applied: peer.applied, received: peer.received, held: 0)
    guard let hello = try? peer.encoded(), let acknowledgement = try? said.encoded() else {
      fatalError("a sample cannot be encoded")
    }
    seeds.append([0] + hello)
    seeds.append([1] + acknowledgement)
    seeds.append([3, UInt8(acknowledgement.count)] + hello + acknowledgement)
  }
  seeds.append([2] + Array("store-mismatch\n7\nthe peer is a replica of another store".utf8))
  SeedCorpus.plant(seeds)
  return 0
}

private func hello(_ bytes: [UInt8]) -> Hello? {
  guard let hello = try? Hello(decoding: bytes) else { return nil }
  let again = try? hello.encoded()
  // What a later version may add is passed over.
  let hasMore = bytes.first != again?.first
  require(hasMore || again == bytes, "a hello has two encodings")
  require(again.flatMap { try? Hello(decoding: $0) } == hello, "a hello is not read back")
  return hello
}

private func acknowledgement(_ bytes: [UInt8]) -> Acknowledgement? {
  guard let acknowledgement = try? Acknowledgement(decoding: bytes) else { return nil }
  require((try? acknowledgement.encoded()) == bytes, "an acknowledgement has two encodings")
  return acknowledgement
}

/// Reads a refusal, whose name and seconds come before line ends.
private func hearRefusal(_ bytes: [UInt8]) {
  let lines = bytes.split(separator: 10, maxSplits: 2, omittingEmptySubsequences: false)
  guard lines.count == 3 else { return }
  let error = SyncError(
    answer: String(decoding: lines[0], as: UTF8.self), message: Array(lines[2]),
    retryAfter: String(decoding: lines[1], as: UTF8.self))
  let isPrintable = error.message.unicodeScalars.allSatisfy {
    $0.properties.generalCategory != .control && $0.properties.generalCategory != .format
  }
  require(isPrintable, "a message that could steer a terminal")
}
