// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A host with an optional port, as in `Host:` headers, peers and listen addresses.
struct Authority: Hashable, Sendable {
  /// Lower case, IPv6 addresses without their brackets.
  let host: String
  let port: Int?

  /// What is wrong with a text that is no authority.
  enum Problem: Error, Equatable {
    case empty
    case host(String)
    case port(String)
  }

  init(host: String, port: Int?) {
    self.host = host
    self.port = port
  }

  /// Reads `host`, `host:port`, `[ipv6]`, `[ipv6]:port` or a bare IPv6 address.
  init(parsing text: String) throws(Problem) {
    guard !text.isEmpty else { throw .empty }
    let bytes = text.utf8
    if bytes.first == UInt8(ascii: "[") {
      guard let close = text.firstIndex(of: "]") else { throw .host(text) }
      let address = String(text[text.index(after: text.startIndex)..<close])
      guard Self.isIPv6(address) else { throw .host(text) }
      host = address.lowercased()
      port = try Self.port(after: text[text.index(after: close)...])
      return
    }
    let colons = bytes.count { $0 == UInt8(ascii: ":") }
    if colons > 1 {
      guard Self.isIPv6(text) else { throw .host(text) }
      host = text.lowercased()
      port = nil
      return
    }
    let end = text.firstIndex(of: ":") ?? text.endIndex
    let name = String(text[..<end])
    guard Self.isHostName(name) else { throw .host(name) }
    host = name.lowercased()
    port = try Self.port(after: text[end...])
  }

  /// Whether the host can only mean this machine.
  ///
  /// A name other than `localhost` never does: who resolves it may be lied to.
  var isLoopback: Bool {
    if host == "localhost" { return true }
    guard let address = try? SocketAddress(ipAddress: host, port: 0) else { return false }
    return address.isLoopback
  }

  /// The text form, with brackets where a port may follow.
  func text(defaultPort: Int? = nil) -> String {
    let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    guard let port = port ?? defaultPort else { return name }
    return "\(name):\(port)"
  }

  private static func port(after text: Substring) throws(Problem) -> Int? {
    guard let colon = text.first else { return nil }
    let digits = text.dropFirst()
    guard
      colon == ":", (1...5).contains(digits.utf8.count),
      digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let port = Int(digits), port <= 65535
    else { throw .port(String(text)) }
    return port
  }

  private static func isIPv6(_ text: String) -> Bool {
    guard text.utf8.count <= 45, text.utf8.contains(UInt8(ascii: ":")) else { return false }
    // The system reads an address up to a zero byte, so what follows one must be looked at here.
    let isPlain = text.utf8.allSatisfy { byte in
      isNameByte(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%")
    }
    return isPlain && (try? SocketAddress(ipAddress: text, port: 0)) != nil
  }

  private static func isHostName(_ text: String) -> Bool {
    (1...253).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
    default: false
    }
  }
}

extension SocketAddress {
  /// Whether packets to this address never leave the machine: 127.0.0.0/8, ::1, and the first
  /// written as an IPv6 address.
  var isLoopback: Bool {
    guard let text = ipAddress?.lowercased() else { return false }
    if text == "::1" { return true }
    let address = text.hasPrefix("::ffff:") ? text.dropFirst(7) : text[...]
    return !address.utf8.contains(UInt8(ascii: ":")) && address.hasPrefix("127.")
  }
}
