// SPDX-License-Identifier: Apache-2.0

internal import CZlib

/// The zlib format (RFC 1950): the only place that calls libz.
package enum ZlibCodec {
  /// Compresses bytes, or returns `nil` when that does not make them shorter.
  ///
  /// `level` is 1 (fast) to 9 (small).
  package static func compress(_ bytes: [UInt8], level: Int) -> [UInt8]? {
    guard bytes.count > 1 else { return nil }
    let room = bytes.count - 1
    var isShorter = false
    let compressed = unsafe [UInt8](unsafeUninitializedCapacity: room) { output, count in
      var length = uLongf(room)
      let status = unsafe compress2(
        output.baseAddress, &length, bytes, uLong(bytes.count), Int32(min(max(level, 1), 9)))
      isShorter = status == Z_OK
      count = isShorter ? Int(length) : 0
    }
    return isShorter ? compressed : nil
  }

  /// Expands bytes to exactly `plainLength` bytes, or returns `nil` when they are damaged, longer,
  /// shorter, or followed by others.
  ///
  /// Never produces or allocates more than `plainLength` bytes.
  package static func expand(_ bytes: ArraySlice<UInt8>, plainLength: Int) -> [UInt8]? {
    guard plainLength > 0 else { return nil }
    var isExact = false
    let plain = unsafe [UInt8](unsafeUninitializedCapacity: plainLength) { output, count in
      var produced = uLongf(plainLength)
      var consumed = uLong(bytes.count)
      let status = unsafe bytes.withUnsafeBufferPointer { input in
        unsafe uncompress2(output.baseAddress, &produced, input.baseAddress, &consumed)
      }
      isExact =
        status == Z_OK && Int(produced) == plainLength && Int(consumed) == bytes.count
      count = isExact ? plainLength : 0
    }
    return isExact ? plain : nil
  }
}
