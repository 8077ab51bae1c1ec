// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// What files take.
public enum FileSizes {
  /// Bytes that the files in a folder take on the disk, holes not counted; only of some names if
  /// told so.
  public static func allocatedBytes(
    _ folder: String, where isCounted: (String) -> Bool = { _ in true }
  ) throws -> UInt64 {
    // Foundation counts in blocks of the file system what the kernel tells in units of 512 bytes.
    try FileManager.default.contentsOfDirectory(atPath: folder).filter(isCounted).reduce(0) {
      sum, name in
      var status = stat()
      guard unsafe lstat(folder + "/" + name, &status) == 0 else {
        throw WorkloadError("the size of \(folder)/\(name) cannot be read: error \(errno)")
      }
      return sum + UInt64(status.st_blocks) * 512
    }
  }
}
