// SPDX-License-Identifier: Apache-2.0

/// Where a peer is reached: a base URL.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
  /// The port a peer listens on unless told otherwise.
  public static let defaultPort = 7433

  /// Whether TLS is spoken.
  public let isSecure: Bool
  /// Host in lower case; an IPv6 address without brackets.
  public let host: String
  /// TCP port.
  public let port: Int
  /// Path below which the peer is found: empty, or starting and not ending with a slash.
  public let basePath: String

  /// Whether the host can only mean this machine.
  public var isLoopback: Bool { authority.isLoopback }

  /// The base URL, without a slash at the end.
  public var description: String {
    "\(isSecure ? "https" : "http")://\(authority.text())\(basePath)"
  }

  /// Reads `host`, `host:port`, `[ipv6]`, `[ipv6]:port`, or an `http://` or `https://` URL.
  ///
  /// Without a scheme a loopback host means HTTP and any other HTTPS, on port 7433. A URL without
  /// a port means the port of its scheme, 80 or 443, as everywhere.
  ///
  /// - Throws: `PeerAddressError`, also for plain HTTP to a host that is not loopback.
  public init(parsing text: String) throws(PeerAddressError) {
    guard text.utf8.count <= 2048 else { throw PeerAddressError(text: "", problem: "is too long") }
    if let rest = Self.dropping(prefix: "https://", from: text) {
      self = try Self(url: rest, isSecure: true, text: text)
    } else if let rest = Self.dropping(prefix: "http://", from: text) {
      self = try Self(url: rest, isSecure: false, text: text)
    } else if text.contains("://") {
      throw PeerAddressError(text: text, problem: "has a scheme other than http and https")
    } else {
      let authority = try Self.authority(text, of: text)
      isSecure = !authority.isLoopback
      host = authority.host
      port = authority.port ?? Self.defaultPort
      basePath = ""
    }
    guard isSecure || isLoopback else {
      throw PeerAddressError(text: text, problem: "is plain HTTP to another machine; use https://")
    }
    guard port != 0 else { throw PeerAddressError(text: text, problem: "has port 0") }
  }

  private init(url: Substring, isSecure: Bool, text: String) throws(PeerAddressError) {
    let slash = url.firstIndex(of: "/") ?? url.endIndex
    let authority = try Self.authority(String(url[..<slash]), of: text)
    var path = url[slash...]
    while path.last == "/" { path.removeLast() }
    guard path.utf8.allSatisfy(Self.isPathByte) else {
      throw PeerAddressError(text: text, problem: "has a query, a fragment or an odd path")
    }
    self.isSecure = isSecure
    host = authority.host
    port = authority.port ?? (isSecure ? 443 : 80)
    basePath = String(path)
  }

  private var authority: Authority { Authority(host: host, port: port) }

  private static func authority(
    _ authority: String, of text: String
  ) throws(PeerAddressError) -> Authority {
    do {
      return try Authority(parsing: authority)
    } catch {
      switch error {
      case .empty: throw PeerAddressError(text: text, problem: "has no host")
      case .host(let host):
        throw PeerAddressError(text: text, problem: "has no valid host: '\(host)'")
      case .port(let port):
        throw PeerAddressError(text: text, problem: "has no valid port: '\(port)'")
      }
    }
  }

  private static func dropping(prefix: String, from text: String) -> Substring? {
    let head = text.prefix(prefix.count)
    guard head.lowercased() == prefix else { return nil }
    return text.dropFirst(prefix.count)
  }

  /// Unreserved characters, sub-delimiters, slash and percent: nothing that ends a path.
  private static func isPathByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "%"): true
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
    default: false
    }
  }
}

/// A text that names no peer.
public struct PeerAddressError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was given.
  public let text: String
  /// What is wrong with it, to follow "the peer".
  public let problem: String

  /// One sentence for people.
  public var description: String { "the peer '\(text)' \(problem)" }
}
