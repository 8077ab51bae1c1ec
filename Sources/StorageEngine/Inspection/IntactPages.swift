// SPDX-License-Identifier: Apache-2.0

/// The pages of a file that are what somebody wrote, whether anything refers to them or not.
struct IntactPages {
  let storage: any Storage
  let geometry: PageGeometry

  /// Passes on each of them, with its number.
  func forEach(_ body: (UInt64, PageView) throws -> Void) throws {
    let bytes = geometry.pageBytes
    let buffer = try AlignedBuffer(count: bytes)
    let page = buffer.page(at: 0)
    for number in 1..<max(1, try count()) {
      guard
        (try? unsafe storage.read(
          into: buffer.buffer(0, bytes), at: geometry.offset(ofPage: number))) != nil,
        page.computeChecksum(pageBytes: bytes) == page.load32(PageLayout.checksum),
        PageValidation.problem(page, number: number, pageBytes: bytes) == nil
      else { continue }
      try body(number, page)
    }
  }

  /// How many pages of this size the file has room for.
  private func count() throws -> UInt64 {
    let prologue = UInt64(PageGeometry.prologueBytes)
    let length = max(try storage.length(), prologue)
    return min((length - prologue) / UInt64(geometry.pageBytes), UInt64(PageTable.maximumPages))
  }

  /// Finds the page size of a file that does not tell it; `nil` where no page of any size is intact.
  static func of(_ storage: any Storage) throws -> IntactPages? {
    struct Found: Error {}
    for shift in [13, 12, 14, 15, 16] {
      let pages = IntactPages(storage: storage, geometry: PageGeometry(pageBytes: 1 << shift))
      do {
        try pages.forEach { _, _ in throw Found() }
      } catch is Found {
        return pages
      }
    }
    return nil
  }
}

/// The trees of a file whose catalog cannot be read, as far as its pages tell.
struct TreesByPages {
  /// Every tree that has an intact leaf or stands in an intact catalog, of whatever age; the name is
  /// the youngest that a catalog gives, `nil` where none does.
  private(set) var names: [UInt32: String?] = [:]
  /// The last transaction that a page tells of.
  private(set) var lastLSN: UInt64 = 0

  init(_ pages: IntactPages) throws {
    var ages: [UInt32: UInt64] = [:]
    try pages.forEach { _, page in
      switch PageKind(rawValue: page.kind) {
      case .leaf:
        if page.tree > 0, names[page.tree] == nil { names[page.tree] = .some(nil) }
      case .catalog:
        for (name, tree) in Self.catalogNames(page) where page.birth >= ages[tree] ?? 0 {
          names[tree] = name
          ages[tree] = page.birth
        }
      default: return
      }
      // A larger number than any store reaches was not written by one.
      if page.birth < UInt64.max / 2 { lastLSN = max(lastLSN, page.birth) }
    }
  }

  private static func catalogNames(_ page: PageView) -> [(name: String, tree: UInt32)] {
    var set = TreeSet()
    let payload = Int(page.load32(PageLayout.payloadBytes))
    guard Catalog.decode(page.bytes(PageLayout.headerBytes, payload), into: &set) == nil else {
      return []
    }
    return set.names.map { ($0.key.text, $0.value) }
  }
}
