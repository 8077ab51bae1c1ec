// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import DurableMemoryProtobuf
import StorageEngine
import SwiftProtobuf
import TestSupport
import Testing

/// Messages of Protocol Buffers as values.
struct MessageTests {
  private typealias Moment = DurableMessage<Google_Protobuf_Timestamp>

  @Test
  func `messages survive reopening, the empty one too (K14, K48)`() throws {
    try withStore { store in
      let map = try DurableMap<Int, Moment>(named: "moments", in: store.database)
      let moment = Google_Protobuf_Timestamp(seconds: -62_135_596_800, nanos: 999_999_999)
      try map.set(1, Moment(moment))
      try map.set(2, Moment(Google_Protobuf_Timestamp()))
      #expect(try Moment(Google_Protobuf_Timestamp()).durableByteCount == 0)
      map.close()
      try store.reopen()
      let again = try DurableMap<Int, Moment>(named: "moments", in: store.database)
      #expect(try again.get(1)?.message == moment)
      #expect(try again.get(2)?.message == Google_Protobuf_Timestamp())
      #expect(try again.get(3) == nil)
      again.close()
    }
  }

  @Test
  func `another message is another type, and bytes that are none an error (K50, K52)`() throws {
    try withStore { store in
      let map = try DurableMap<Int, Moment>(named: "moments", in: store.database)
      map.close()
      #expect(throws: DurableMapError.self) {
        _ = try DurableMap<Int, DurableMessage<Google_Protobuf_Duration>>(
          named: "moments", in: store.database)
      }
    }
    #expect(throws: DurableDecodingError.self) {
      let bytes: [UInt8] = [0x08, 0xFF]
      _ = try Moment(decoding: bytes.span)
    }
  }

  @Test
  func `equal messages have equal bytes, whatever the order of their maps (K14)`() throws {
    var first = Google_Protobuf_Struct()
    var second = Google_Protobuf_Struct()
    for number in 0..<40 { first.fields["\(number)"] = Google_Protobuf_Value(numberValue: 1) }
    for number in (0..<40).reversed() {
      second.fields["\(number)"] = Google_Protobuf_Value(numberValue: 1)
    }
    func bytes(_ message: Google_Protobuf_Struct) throws -> [UInt8] {
      try DurableMessage(message).withDurableBytes { span in span.indices.map { span[$0] } }
    }
    #expect(try bytes(first) == bytes(second))
  }
}
