// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import StorageEngine

extension DiskImage {
  /// Where the chunks of a group of the log begin, those included that were left over.
  func chunks(ofGroup group: UInt64) -> [UInt64] {
    let block = UInt64(LogChunkHeader.blockBytes)
    return stride(from: UInt64(PageGeometry.prologueBytes), to: length, by: Int(block))
      .filter { place in
        bytes(LogChunkHeader.bytes, at: place).withBytes { bytes in
          bytes.load(LogChunkHeader.Field.magic, as: UInt32.self) == LogChunkHeader.magic
            && bytes.load(LogChunkHeader.Field.group, as: UInt64.self) == group
        }
      }
  }

  /// Damages the content of a group.
  mutating func damage(group: UInt64) {
    for place in chunks(ofGroup: group) { flip(1, at: place + UInt64(LogChunkHeader.bytes) + 8) }
  }
}
