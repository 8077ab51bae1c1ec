// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import TestSupport

/// A TCP proxy on loopback that forwards so many bytes, in both directions and over all
/// connections together, and then breaks every connection.
final class CuttingProxy: Sendable {
  /// How a connection breaks.
  enum Manner: CaseIterable {
    /// As when the other process ends.
    case close
    /// As when a router forgets the connection.
    case reset
  }

  private let channel: any Channel
  private let line: Line

  /// Whether the line was cut.
  var hasCut: Bool { line.hasCut }

  var port: Int { channel.localAddress?.port ?? 0 }

  /// Forwards to a port of loopback.
  init(to port: Int, bytes: Int, _ manner: Manner) async throws {
    let line = Line(bytes: bytes, manner)
    self.line = line
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { inbound in
        ClientBootstrap(group: inbound.eventLoop).connect(host: "127.0.0.1", port: port)
          .flatMapThrowing { outbound in
            try inbound.pipeline.syncOperations.addHandler(Forwarder(to: outbound, line))
            try outbound.pipeline.syncOperations.addHandler(Forwarder(to: inbound, line))
          }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  func close() async throws {
    try await channel.close()
  }

  /// What all connections share.
  final class Line: Sendable {
    let manner: Manner
    private let rest: Guarded<Int>

    init(bytes: Int, _ manner: Manner) {
      self.manner = manner
      rest = Guarded(bytes)
    }

    var hasCut: Bool { rest.withLock { $0 < 0 } }

    /// How many of so many bytes still pass; fewer than asked for mean that this is the cut.
    func pass(_ count: Int) -> Int {
      rest.withLock { rest in
        let passing = max(0, min(rest, count))
        // Only below zero it is cut: what ends just here may be all there was.
        rest = count > passing ? -1 : rest - passing
        return passing
      }
    }
  }

  /// Passes on what one side sends to the other.
  private final class Forwarder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let partner: any Channel
    private let line: Line

    init(to partner: any Channel, _ line: Line) {
      self.partner = partner
      self.line = line
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      var buffer = unwrapInboundIn(data)
      let count = buffer.readableBytes
      let passing = line.pass(count)
      if let piece = buffer.readSlice(length: passing), passing > 0 {
        let written = partner.writeAndFlush(piece)
        guard passing < count else { return }
        let (manner, partner, own) = (line.manner, partner, context.channel)
        written.whenComplete { _ in Self.cut([partner, own], manner) }
      } else if count > 0 {
        Self.cut([partner, context.channel], line.manner)
      }
    }

    func channelInactive(context: ChannelHandlerContext) {
      partner.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }

    private static func cut(_ channels: [any Channel], _ manner: Manner) {
      for channel in channels {
        if manner == .reset, let provider = channel as? any SocketOptionProvider {
          _ = provider.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        channel.close(promise: nil)
      }
    }
  }
}
