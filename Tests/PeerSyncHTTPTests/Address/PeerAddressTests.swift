// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import PeerSyncHTTP

@Suite struct PeerAddressTests {
  @Test(arguments: [
    ("localhost", "http://localhost:7433"),
    ("LOCALHOST:80", "http://localhost:80"),
    ("127.0.0.1", "http://127.0.0.1:7433"),
    ("127.9.9.9:1", "http://127.9.9.9:1"),
    ("::1", "http://[::1]:7433"),
    ("[::1]", "http://[::1]:7433"),
    ("[::1]:65535", "http://[::1]:65535"),
    ("branch-7.example", "https://branch-7.example:7433"),
    ("Branch-7.Example:8443", "https://branch-7.example:8443"),
    ("10.0.0.7", "https://10.0.0.7:7433"),
    ("2001:db8::7", "https://[2001:db8::7]:7433"),
    ("[2001:DB8::7]:99", "https://[2001:db8::7]:99"),
    ("https://peer.example", "https://peer.example:443"),
    ("HTTPS://peer.example/", "https://peer.example:443"),
    ("https://peer.example:7433/stores/a/", "https://peer.example:7433/stores/a"),
    ("http://localhost", "http://localhost:80"),
    ("http://[::1]:7433/x", "http://[::1]:7433/x"),
    ("https://127.0.0.1:7433", "https://127.0.0.1:7433"),
    ("localhost.example", "https://localhost.example:7433"),
    ("127.0.0.1.example", "https://127.0.0.1.example:7433"),
    // Not the dotted form, so it is a name; and names other than localhost are never loopback.
    ("127.1", "https://127.1:7433"),
    ("[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]:7433"),
  ])
  func `a peer is read as people write it`(text: String, url: String) throws {
    #expect(try PeerAddress(parsing: text).description == url)
  }

  @Test(arguments: [
    "", ":", ":7433", "host:", "host:0", "host:65536", "host:-1", "host:+7", "host: 7", "host:7x",
    "host:0000007433", "[::1", "::1]", "[::1]x", "[::1]:", "[host]:7", "a b", "host/path", "host?x",
    "user@host", "höst", "ftp://host", "file:///etc/passwd", "http://", "https:///x",
    "https://host:99999", "https://host/?q", "https://host/#f", "https://u:p@host/",
    "https://host/a b", "host\u{0}", "host\n",
    "::1\u{0}", "[::1\u{0}.example]", "fe80::1\u{0}\u{0}\u{0}\u{2}=0x1p1023eth0",
    "1:2:3", "http://peer.example",
    "http://10.0.0.7:7433",
    String(repeating: "a", count: 254), String(repeating: "a", count: 5000),
  ])
  func `what is no peer is refused`(text: String) {
    #expect(throws: PeerAddressError.self) { try PeerAddress(parsing: text) }
  }

  @Test(arguments: [
    ("127.0.0.1:7433", "127.0.0.1:7433"), ("[::]:1", "[::]:1"), ("0.0.0.0:0", "0.0.0.0:0"),
    ("localhost", "localhost:7433"), ("::1", "[::1]:7433"),
  ])
  func `a listen address is read as people write it`(text: String, address: String) throws {
    #expect(try ListenAddress(parsing: text).description == address)
  }

  @Test(arguments: [
    ("127.0.0.1", true), ("127.255.0.3", true), ("::1", true), ("localhost", true),
    ("0.0.0.0", false), ("::", false), ("10.0.0.7", false), ("::2", false),
    ("::ffff:10.0.0.7", false),
  ])
  func `only addresses of this machine are loopback`(host: String, isLoopback: Bool) throws {
    #expect(Authority(host: host, port: nil).isLoopback == isLoopback)
    let listen = try ListenAddress(parsing: "[\(host)]:0".replacing(host))
    #expect(try listen.resolved().isLoopback == isLoopback)
  }
}

extension String {
  /// Brackets belong to IPv6 addresses only.
  fileprivate func replacing(_ host: String) -> String {
    host.contains(":") ? self : "\(host):0"
  }
}
