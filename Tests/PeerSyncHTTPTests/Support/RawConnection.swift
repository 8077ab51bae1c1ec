// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import TestSupport
import Testing

/// A TCP connection on which a test says exactly what it likes.
struct RawConnection {
  fileprivate var input: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  fileprivate let output: NIOAsyncChannelOutboundWriter<ByteBuffer>
  fileprivate let channel: any Channel
  fileprivate var received: [UInt8] = []

  /// Sends bytes; a server that has closed already is no error, for it may have answered before.
  func send(_ bytes: some Collection<UInt8>) async {
    try? await output.write(ByteBuffer(bytes: bytes))
  }

  /// Sends a body of chunks of one byte each until the connection ends, however busy the threads of
  /// tests are.
  func trickle(_ body: [UInt8], every delay: TimeAmount) {
    let channel = channel
    let rest = Guarded(body[...])
    channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: delay) { task in
      guard channel.isActive, let byte = rest.withLock({ $0.popFirst() }) else {
        return task.cancel()
      }
      let chunk = Array("1\r\n".utf8) + [byte] + Array("\r\n".utf8)
      channel.writeAndFlush(ByteBuffer(bytes: chunk), promise: nil)
    }
  }

  func send(_ text: String) async {
    await send(Array(text.utf8))
  }

  /// Waits for one answer; `nil` when the connection is closed before it is complete.
  mutating func answer() async -> RawAnswer? {
    while true {
      if let (answer, length) = RawAnswer.parse(received) {
        received.removeFirst(length)
        return answer
      }
      guard let piece = try? await input.next() else { return nil }
      received += piece.readableBytesView
    }
  }

  /// Waits until some bytes have come; false when the connection is closed before.
  mutating func hasReceived(_ count: Int) async -> Bool {
    while received.count < count {
      guard let piece = try? await input.next() else { return false }
      received += piece.readableBytesView
    }
    return true
  }

  /// Waits until the server closes, and returns what came before.
  mutating func rest() async -> [UInt8] {
    while let piece = try? await input.next() { received += piece.readableBytesView }
    return received
  }
}

/// Connects to a port of loopback.
func connected<R: Sendable>(
  to port: Int, _ body: (inout RawConnection) async throws -> R
) async throws -> R {
  let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .connect(host: "127.0.0.1", port: port) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
      }
    }
  let outcome = Guarded<R?>(nil)
  do {
    try await channel.executeThenClose { inbound, outbound in
      var connection = RawConnection(
        input: inbound.makeAsyncIterator(), output: outbound, channel: channel.channel)
      let result = try await body(&connection)
      outcome.withLock { $0 = result }
    }
  } catch {
    // A server that reset the connection is no reason to fail once the body is through.
    guard outcome.withLock({ $0 }) != nil else { throw error }
  }
  guard let result = outcome.withLock({ $0 }) else { throw TestFailure("no result") }
  return result
}

/// Waits for what another task or thread is about to do.
///
/// It fails only after very many tries: this is no measurement.
func expectSoon(
  _ location: SourceLocation = #_sourceLocation, _ isTrue: () async throws -> Bool
) async throws {
  for _ in 0..<3000 {
    if try await isTrue() { return }
    try await Task.sleep(for: .milliseconds(10))
  }
  Issue.record("it did not happen", sourceLocation: location)
}

/// Sends one request on a connection of its own and returns the answer.
func request(_ port: Int, _ head: String, body: [UInt8] = []) async throws -> RawAnswer? {
  try await connected(to: port) { connection in
    await connection.send(Array(head.utf8) + body)
    return await connection.answer()
  }
}

/// A head with the length of its body.
func head(
  _ method: String, _ path: String, port: Int, host: String? = nil, length: Int? = nil,
  _ fields: String...
) -> String {
  var lines = ["\(method) \(path) HTTP/1.1", "Host: \(host ?? "127.0.0.1:\(port)")"] + fields
  if let length { lines.append("Content-Length: \(length)") }
  return lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// One HTTP answer, read without the help of the library under test.
struct RawAnswer: Sendable {
  let status: Int
  let fields: [String: String]
  let body: [UInt8]

  /// The kind of the error, as docs/PROTOCOL.md names it.
  var kind: String? { fields["record-store-error"] }

  /// The first answer in some bytes, and how long it is; `nil` when it is not complete.
  static func parse(_ bytes: [UInt8]) -> (RawAnswer, length: Int)? {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count >= 2, let status = Int(words[1]) else { return nil }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
      fields[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
    }
    let rest = bytes[end.upperBound...]
    let body: [UInt8]
    var length = end.upperBound
    if fields["transfer-encoding"] == "chunked" {
      guard let (content, count) = unchunked(rest) else { return nil }
      body = content
      length += count
    } else {
      let count = Int(fields["content-length"] ?? "0") ?? 0
      guard rest.count >= count else { return nil }
      body = Array(rest.prefix(count))
      length += count
    }
    return (RawAnswer(status: status, fields: fields, body: body), length)
  }

  private static func unchunked(_ bytes: ArraySlice<UInt8>) -> ([UInt8], count: Int)? {
    var content: [UInt8] = []
    var rest = bytes
    while let end = rest.firstRange(of: [13, 10]) {
      guard let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16)
      else { return nil }
      rest = rest[end.upperBound...]
      guard rest.count >= size + 2 else { return nil }
      content += rest.prefix(size)
      rest = rest.dropFirst(size + 2)
      if size == 0 { return (content, bytes.count - rest.count) }
    }
    return nil
  }
}
