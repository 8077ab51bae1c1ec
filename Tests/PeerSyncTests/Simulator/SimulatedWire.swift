// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import PeerSync
import Records
import TestSupport

/// What goes over the simulated wire: bytes, as over a real one.
enum WireRequest {
  case hello([UInt8])
  case pull(position: String, bytes: Int)
  case push([UInt8])
}

enum WireAnswer {
  case hello([UInt8])
  case batch([UInt8], isLast: Bool)
  case acknowledgement([UInt8])
  case refusal(SyncError)
  /// The connection broke.
  case broken
}

/// What the network does to the bytes of one request or answer.
enum Damage {
  case none
  /// Only so much of it arrives, in 256ths.
  case cut(Int)
  /// One bit arrives wrong, at so much of it, in 65536ths.
  case flip(Int)

  func apply(to bytes: [UInt8]) -> [UInt8] {
    switch self {
    case .none: return bytes
    case .cut(let part): return Array(bytes.prefix(bytes.count * part / 256))
    case .flip(let part):
      guard !bytes.isEmpty else { return bytes }
      var bytes = bytes
      bytes[bytes.count * part / 65536] ^= 1 << (part % 8)
      return bytes
    }
  }

  var isNone: Bool {
    if case .none = self { true } else { false }
  }
}

extension WireRequest {
  init(_ request: SyncRequest) throws {
    switch request {
    case .hello(let hello): self = .hello(try hello.encoded())
    case .pull(let since, let bytes): self = .pull(position: "\(since)", bytes: bytes)
    case .push(let batch):
      self = .push(
        try JournalBytes.encode(batch.storeID, since: batch.since, batch.transactions))
    }
  }

  func damaged(by damage: Damage) -> WireRequest {
    switch self {
    case .hello(let bytes): .hello(damage.apply(to: bytes))
    case .pull: self
    case .push(let bytes): .push(damage.apply(to: bytes))
    }
  }

  /// A wrong bit in a hello may be another valid hello: on a real line TCP or TLS finds it.
  var mayFlip: Bool {
    if case .push = self { true } else { false }
  }
}

extension WireAnswer {
  func damaged(by damage: Damage) -> WireAnswer {
    switch self {
    case .hello(let bytes): .hello(damage.apply(to: bytes))
    case .batch(let bytes, let isLast): .batch(damage.apply(to: bytes), isLast: isLast)
    case .acknowledgement(let bytes): .acknowledgement(damage.apply(to: bytes))
    case .refusal, .broken: self
    }
  }

  var mayFlip: Bool {
    if case .batch = self { true } else { false }
  }
}

/// A journal stream in memory.
enum JournalBytes {
  static func encode(
    _ storeID: StoreID, since: VersionVector, _ transactions: [EncodedTransaction]
  ) throws -> [UInt8] {
    var options = JournalWriter.Options()
    options.batchBytes = 64 << 10
    var writer = try JournalWriter(
      JournalStreamHeader(storeID: storeID, since: since), options: options)
    var bytes: [UInt8] = []
    for transaction in transactions { try writer.append(transaction) }
    try writer.finish()
    while let frame = try writer.nextFrame() { bytes += frame }
    return bytes
  }

  /// What of a stream can be used, and what is wrong with the rest.
  struct Decoded {
    var storeID: StoreID?
    var transactions: [EncodedTransaction] = []
    var failure: JournalError?
  }

  static func decode(_ bytes: [UInt8]) -> Decoded {
    var decoded = Decoded()
    var reader = JournalReader(name: "wire")
    do throws(JournalError) {
      reader.feed(bytes)
      while let event = try reader.next() {
        switch event {
        case .header(let header): decoded.storeID = header.storeID
        case .transactions(let transactions, _): decoded.transactions += transactions
        case .totals: break
        }
      }
      try reader.finish()
    } catch {
      decoded.failure = error
    }
    return decoded
  }
}

/// The server's side of the wire: bytes in, bytes out, on the store of one replica.
struct WireResponder {
  let replica: SimulatedReplica

  /// Answers; `nil` when the replica died while it did.
  func answer(_ request: WireRequest) throws -> WireAnswer? {
    let responder = SyncResponder(store: replica.store)
    let clock = replica.clock.reading
    do {
      switch request {
      case .hello(let bytes):
        guard let peer = try? Hello(decoding: bytes) else { return .broken }
        return try replica.perform { _ in
          .hello(try responder.answer(peer, clock: clock).encoded())
        }
      case .pull(let text, let bytes):
        guard let position = VersionVector(text) else { return .broken }
        return try replica.perform { _ in
          try Self.batch(responder, since: position, limit: bytes)
        }
      case .push(let bytes):
        return try take(JournalBytes.decode(bytes), responder)
      }
    } catch let error as SyncError {
      return .refusal(error)
    }
  }

  private static func batch(
    _ responder: SyncResponder<RecordStoreUnderTest>, since position: VersionVector, limit: Int
  ) throws -> WireAnswer {
    let (storeID, journal) = try responder.transactions(since: position)
    var batch: [EncodedTransaction] = []
    var byteCount = 0
    while byteCount < limit {
      guard let transaction = try journal.next() else {
        return .batch(try JournalBytes.encode(storeID, since: position, batch), isLast: true)
      }
      byteCount += transaction.bytes.count
      batch.append(transaction)
    }
    return .batch(try JournalBytes.encode(storeID, since: position, batch), isLast: false)
  }

  /// Applies what is whole; only a complete stream is acknowledged.
  private func take(
    _ journal: JournalBytes.Decoded, _ responder: SyncResponder<RecordStoreUnderTest>
  ) throws -> WireAnswer? {
    guard let storeID = journal.storeID else { return .broken }
    return try replica.perform { _ in
      _ = try responder.take(journal.transactions, of: storeID)
      if let failure = journal.failure {
        if case .truncated = failure { return .broken }
        return .refusal(SyncError(failure))
      }
      return .acknowledgement(try responder.acknowledgement().encoded())
    }
  }
}
