// SPDX-License-Identifier: Apache-2.0

extension Storage {
  private static var windowBytes: Int { 64 << 10 }

  /// Passes on the file behind the superblocks, in pieces that end where the largest pages do.
  ///
  /// What the disk does not give is passed on as zeros.
  func forEachWindow(
    _ progress: () throws -> Void, _ body: (AlignedBuffer, UInt64, Int) throws -> Void
  ) throws {
    let buffer = try AlignedBuffer(count: Self.windowBytes)
    let end = try length()
    var start = UInt64(PageGeometry.prologueBytes)
    while start < end {
      try progress()
      let length = Int(min(UInt64(Self.windowBytes), end - start)) & ~4095
      if length == 0 { return }
      buffer.clear(0, Self.windowBytes)
      readWhatCanBe(into: buffer, at: start, length)
      try body(buffer, start, length)
      start += UInt64(length)
    }
  }

  /// Reads what can be read; the rest stays as it is.
  private func readWhatCanBe(into buffer: AlignedBuffer, at start: UInt64, _ length: Int) {
    if (try? unsafe read(into: buffer.buffer(0, length), at: start)) != nil { return }
    for block in stride(from: 0, to: length, by: 4096) {
      _ = try? unsafe read(into: buffer.buffer(block, 4096), at: start + UInt64(block))
    }
  }
}
