// SPDX-License-Identifier: Apache-2.0

/// The pages of a file that are what somebody wrote, whether anything refers to them or not.
///
/// A page that the disk does not give is passed over like one that is damaged: whoever looks here has
/// told already what is missing.
struct IntactPages {
  /// More transactions than any store has had: a page that is said to be younger is forged.
  static let mostTransactions: UInt64 = 1 << 48

  let storage: any Storage
  let geometry: PageGeometry
  /// Called now and then; may throw to stop.
  let progress: () throws -> Void

  /// Passes on each of them, with its number.
  func forEach(_ body: (UInt64, PageView) throws -> Void) throws {
    try storage.forEachWindow(progress) { buffer, start, length in
      for offset in stride(from: 0, to: length, by: geometry.pageBytes) {
        let page = buffer.page(at: offset)
        if let number = Self.number(of: page, at: start + UInt64(offset), geometry) {
          try body(number, page)
        }
      }
    }
  }

  /// Finds the page size of a file that does not tell it, that of most pages; `nil` where no page of
  /// any size is intact.
  static func of(
    _ storage: any Storage, _ progress: @escaping () throws -> Void
  ) throws -> IntactPages? {
    let sizes = (12...16).map { PageGeometry(pageBytes: 1 << $0) }
    var counts = [Int](repeating: 0, count: sizes.count)
    try storage.forEachWindow(progress) { buffer, start, length in
      for (place, geometry) in sizes.enumerated() {
        for offset in stride(from: 0, to: length, by: geometry.pageBytes)
        where number(of: buffer.page(at: offset), at: start + UInt64(offset), geometry) != nil {
          counts[place] += 1
        }
      }
    }
    guard let most = counts.indices.max(by: { counts[$0] < counts[$1] }), counts[most] > 0 else {
      return nil
    }
    return IntactPages(storage: storage, geometry: sizes[most], progress: progress)
  }

  /// The number of an intact page, which says where it belongs.
  private static func number(
    of page: PageView, at offset: UInt64, _ geometry: PageGeometry
  ) -> UInt64? {
    let number = (offset - UInt64(PageGeometry.prologueBytes)) / UInt64(geometry.pageBytes)
    guard page.number == number, number > 0, page.birth < mostTransactions,
      page.computeChecksum(pageBytes: geometry.pageBytes) == page.load32(PageLayout.checksum),
      PageValidation.problem(page, number: number, pageBytes: geometry.pageBytes) == nil
    else { return nil }
    return number
  }
}
