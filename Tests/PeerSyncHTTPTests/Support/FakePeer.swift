// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix

/// A server on loopback that answers each request with bytes a test has chosen, and then closes.
struct FakePeer {
  /// The bytes of an answer to a request; `nil` keeps the peer waiting.
  typealias Script = @Sendable (_ method: String, _ path: String) -> [UInt8]?

  private let channel: any Channel

  var port: Int { channel.localAddress?.port ?? 0 }

  /// Listens on a free port.
  init(_ script: @escaping Script) async throws {
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let decoder = ByteToMessageHandler(HTTPRequestDecoder())
          try channel.pipeline.syncOperations.addHandlers([decoder, Answering(script)])
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  func close() async throws {
    try await channel.close()
  }

  /// An answer with a head and a body.
  static func answer(
    _ status: String = "200 OK", _ fields: [String] = [], body: [UInt8] = []
  ) -> [UInt8] {
    let lines =
      ["HTTP/1.1 \(status)", "Content-Length: \(body.count)", "Connection: close"] + fields
    return Array((lines.map { $0 + "\r\n" }.joined() + "\r\n").utf8) + body
  }

  private final class Answering: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let script: Script
    private var head: HTTPRequestHead?

    init(_ script: @escaping Script) {
      self.script = script
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head): self.head = head
      case .body: break
      case .end:
        guard let head, let bytes = script(head.method.rawValue, head.uri) else { return }
        let channel = context.channel
        channel.writeAndFlush(ByteBuffer(bytes: bytes))
          .whenComplete { _ in channel.close(promise: nil) }
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      // What was no HTTP is answered all the same.
      guard let bytes = script("", "") else { return }
      let channel = context.channel
      channel.writeAndFlush(ByteBuffer(bytes: bytes))
        .whenComplete { _ in channel.close(promise: nil) }
    }
  }
}
