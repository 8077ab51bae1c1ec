// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTPTypes

/// Closes a connection whose peer keeps us waiting: it sits behind the HTTP decoder and watches
/// parts come in, reads being asked for, and writes being taken.
///
/// * A head must be complete `headTimeout` after the connection opened (a TLS handshake is part
///   of that), later heads `keepAliveTimeout` after the last response.
/// * While a body is asked for, each part must come within `stallTimeout`. Time in which we do not
///   read because the store is busy does not count.
/// * While a write is under way, some write must be taken within `stallTimeout`.
/// * What is left of a body after its response was sent is read and dropped for a moment, so that
///   the peer sees the response and not a reset; then the connection is closed.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private static let drainTimeout = TimeAmount.seconds(2)
  private static let drainBytes = 4 << 20

  private let limits: SyncServerLimits
  private let connections: OpenConnections
  private var headDeadline: NIODeadline
  private var requestsOpen = 0
  private var bodyOpen = false
  private var readWanted = false
  private var lastRead = NIODeadline.now()
  private var writesUnderWay = 0
  private var lastWrite = NIODeadline.now()
  private var drain: (deadline: NIODeadline, bytes: Int)?
  private var timer: Scheduled<Void>?
  private let tick: TimeAmount

  init(limits: SyncServerLimits, connections: OpenConnections) {
    self.limits = limits
    self.connections = connections
    headDeadline = .now() + TimeAmount(limits.headTimeout)
    let shortest = min(limits.headTimeout, limits.keepAliveTimeout, limits.stallTimeout)
    tick = TimeAmount(min(.seconds(1), shortest / 4))
  }

  func handlerAdded(context: ChannelHandlerContext) {
    connections.add(context.channel)
    arm(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    connections.remove(context.channel)
    timer?.cancel()
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  func read(context: ChannelHandlerContext) {
    if !readWanted { lastRead = .now() }
    readWanted = true
    context.read()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    readWanted = false
    lastRead = .now()
    switch unwrapInboundIn(data) {
    case .head:
      requestsOpen += 1
      bodyOpen = true
    case .body(let buffer):
      if let drain {
        self.drain = (drain.deadline, drain.bytes + buffer.readableBytes)
      }
    case .end:
      bodyOpen = false
      drain = nil
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if writesUnderWay == 0 { lastWrite = .now() }
    writesUnderWay += 1
    if case .end = unwrapOutboundIn(data) { responseEnded() }
    let written = promise ?? context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { [weak self] _ in
      guard let self else { return }
      self.writesUnderWay -= 1
      self.lastWrite = .now()
    }
    context.write(data, promise: written)
  }

  private func arm(_ context: ChannelHandlerContext) {
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: tick) { [weak self] in
      guard let self else { return }
      if self.isOverdue(at: .now()) {
        context.close(promise: nil)
      } else {
        self.arm(context)
      }
    }
  }

  private func responseEnded() {
    requestsOpen = max(0, requestsOpen - 1)
    headDeadline = .now() + TimeAmount(limits.keepAliveTimeout)
    if bodyOpen { drain = (.now() + Self.drainTimeout, 0) }
  }

  private func isOverdue(at now: NIODeadline) -> Bool {
    let stall = TimeAmount(limits.stallTimeout)
    if writesUnderWay > 0 { return now - lastWrite > stall }
    if let drain { return now > drain.deadline || drain.bytes > Self.drainBytes }
    if bodyOpen { return readWanted && now - lastRead > stall }
    return requestsOpen == 0 && now > headDeadline
  }
}
