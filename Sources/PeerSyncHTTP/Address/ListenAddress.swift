// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Where a server listens.
public struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
  /// 127.0.0.1, port 7433.
  public static let loopback = ListenAddress(host: "127.0.0.1", port: PeerAddress.defaultPort)

  /// Host name or address; an IPv6 address without brackets.
  public let host: String
  /// TCP port; 0 lets the system choose one.
  public let port: Int

  /// As in `PeerAddress`: IPv6 addresses in brackets.
  public var description: String { Authority(host: host, port: port).text() }

  private init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads `host`, `host:port`, `[ipv6]` or `[ipv6]:port`; the port is 7433 unless given.
  public init(parsing text: String) throws(PeerAddressError) {
    do {
      let authority = try Authority(parsing: text)
      self.init(host: authority.host, port: authority.port ?? PeerAddress.defaultPort)
    } catch {
      throw PeerAddressError(text: text, problem: "is no HOST:PORT to listen on")
    }
  }

  /// The address to bind to, and whether only this machine can reach it.
  ///
  /// A name is resolved here, once, so that what was checked is what is bound.
  func resolved() throws -> (address: SocketAddress, isLoopback: Bool) {
    let address = try SocketAddress.makeAddressResolvingHost(host, port: port)
    return (address, address.isLoopback)
  }
}
