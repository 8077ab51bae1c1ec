// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import FuzzSupport
import Records

/// Reads arbitrary text as what a command line, a URL or a `Host:` header may say.
///
/// The folder `Address` is that of PeerSyncHTTP: building all of that for its few decoders would
/// take the whole network stack.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzArgument(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let input = unsafe FuzzInput(start, count), let text = input.text else { return 0 }
  switch input.choice & 7 {
  case 0: readKey(text)
  case 1: readIdentity(text)
  case 2: readCondition(text)
  case 3: readColumns(text)
  case 4: readPath(text)
  case 5: readPeer(text)
  case 6: readListenAddress(text)
  default: readAuthority(text)
  }
  return 0
}

/// Arguments of each kind.
@_cdecl("LLVMFuzzerInitialize")
public func plantSeeds(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) -> CInt {
  let origin = SampleTransactions.origin(10).description
  let uuid = UUIDBytes(high: .max, low: 1).description
  let texts: [(choice: UInt8, text: String)] = [
    (0, "-9223372036854775808"), (0, "9223372036854775807"), (0, uuid), (0, uuid.uppercased()),
    (1, origin), (1, "\(origin):4611686018427387904"), (1, uuid), (1, Hash256.zero.description),
    (1, "\(origin):1,\(SampleTransactions.origin(11)):24"),
    (2, "a=b"), (2, "=18446744073709551615"), (2, "a=-1.5e300"), (2, "a=nan"), (2, "a=null"),
    (2, "a=true"), (2, "e=\u{301}"), (2, "a=infinity"), (2, "a=0x1p-3"),
    (3, ","), (3, "\\t"), (3, "a,b,c"), (3, "a,\u{301}b"), (3, "\u{e9},e\u{301}"),
    (4, "a/b"), (4, "a~1b/c~0d"), (4, "a/\u{301}b~"), (4, "//~2/"),
    (5, "localhost"), (5, "[::1]:80"), (5, "https://peer.example:7433/stores/a/"),
    (5, "127.0.0.1:1"), (5, "http://[::ffff:127.0.0.1]"), (5, "10.0.0.7"), (5, "fe80::1%eth0"),
    (6, "0.0.0.0:0"), (6, "[::]:65535"), (6, "localhost"), (7, "peer.example:80"), (7, "[::1]"),
  ]
  SeedCorpus.plant(texts.map { [$0.choice] + Array($0.text.utf8) })
  return 0
}

// MARK: - Keys and positions

private func readKey(_ text: String) {
  if case .integer(let number) = RecordKey(spelled: text, as: .integer) {
    require("\(number)" == text, "a number with two spellings")
  }
  if case .uuid(let uuid) = RecordKey(spelled: text, as: .uuid) {
    require(ByteOrder.equal("\(uuid)", text.lowercased()), "a UUID that is not read back")
  }
  require(RecordKey(spelled: text, as: .text) == .text(text), "a text key that is another")
}

private func readIdentity(_ text: String) {
  expectSame(VersionVector(text)?.description, text)
  expectSame(Origin(text)?.description, text)
  expectSame(Hash256(text)?.description, text)
  expectSame(StoreID(text)?.description, text)
  expectSame(ReplicaID(text)?.description, text)
}

private func expectSame(_ written: String?, _ text: String) {
  guard let written else { return }
  require(ByteOrder.equal(written, text), "'\(text)' is written '\(written)'")
}

// MARK: - Reading and importing

private func readCondition(_ text: String) {
  guard let condition = FieldCondition(parsing: text) else {
    return require(!text.utf8.contains(UInt8(ascii: "=")), "a condition is not read")
  }
  guard case .text(let value) = condition.values.first else { fatalError("no text is meant") }
  expectSame("\(condition.field)=\(value)", text)
  for value in condition.values {
    require((try? value.encoded()) != nil, "no field holds \(value)")
    let record = StoredRecord(key: .integer(1), fields: [.init(condition.field, value)])
    require(condition.holds(for: record), "a condition does not hold for \(value)")
  }
}

private func readColumns(_ text: String) {
  if let byte = ImportOptions.delimiter(text) {
    require(byte < 0x7F && byte != UInt8(ascii: "\""), "a delimiter that is none")
  }
  guard let names = ImportOptions.columns(text) else { return }
  expectSame(names.joined(separator: ","), text)
}

private func readPath(_ text: String) {
  let names = ImportOptions.path(text)
  let written = names.map(escaped).joined(separator: "/")
  let again = ImportOptions.path(written)
  require(again.map(ByteText.init) == names.map(ByteText.init), "a path is not read back")
}

private func escaped(_ name: String) -> String {
  var bytes: [UInt8] = []
  for byte in name.utf8 {
    switch byte {
    case UInt8(ascii: "~"): bytes += Array("~0".utf8)
    case UInt8(ascii: "/"): bytes += Array("~1".utf8)
    default: bytes.append(byte)
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}

// MARK: - Addresses

private func readPeer(_ text: String) {
  guard let peer = try? PeerAddress(parsing: text) else { return }
  require(peer.isSecure || peer.isLoopback, "plain HTTP to another machine: \(peer)")
  require((try? PeerAddress(parsing: "\(peer)")) == peer, "\(peer) is not read back")
  expectPlain("\(peer)")
}

private func readListenAddress(_ text: String) {
  guard let address = try? ListenAddress(parsing: text) else { return }
  require((try? ListenAddress(parsing: "\(address)")) == address, "\(address) is not read back")
  expectPlain("\(address)")
}

private func readAuthority(_ text: String) {
  guard let authority = try? Authority(parsing: text) else { return }
  _ = authority.isLoopback
  require((try? Authority(parsing: authority.text())) == authority, "an authority is not read back")
  expectPlain(authority.text(defaultPort: 1))
}

/// An address has nothing that could end a header or steer a terminal.
private func expectPlain(_ address: String) {
  require(address.utf8.allSatisfy { (0x21..<0x7F).contains($0) }, "an odd address: \(address)")
}
