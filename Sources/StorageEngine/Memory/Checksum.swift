// SPDX-License-Identifier: Apache-2.0

/// CRC-32C (Castagnoli) for the layers above, by instruction where the processor has one.
package enum Checksum {
  /// The checksum of bytes.
  package static func crc32c(of bytes: ArraySlice<UInt8>) -> UInt32 {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe Bytes(base, buffer.count).checksum()
    }
  }
}
