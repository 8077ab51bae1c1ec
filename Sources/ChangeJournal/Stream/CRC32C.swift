// SPDX-License-Identifier: Apache-2.0

/// CRC-32C (Castagnoli), which guards headers and payloads of frames against accidents.
package enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { crc, _ in
      crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x82f6_3b78
    }
  }

  /// The checksum of bytes.
  package static func checksum(of bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
      crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)]
    }
    return ~crc
  }
}
