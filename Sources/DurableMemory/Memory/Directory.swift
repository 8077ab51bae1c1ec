// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Which table the first bits of a hash lead to.
///
/// Several places in a row lead to one table while that is not yet divided. Safe to use because
/// readers come to it inside an epoch.
@safe
struct Directory: BitwiseCopyable {
  /// More than memory can fill; a table that is full nevertheless grows instead.
  static let greatestDepth = 28

  /// The address, which is a multiple of 64, and the number of bits; 0 for none.
  let word: UInt64

  @inline(__always)
  init(word: UInt64) {
    self.word = word
  }

  init(depth: Int, _ table: (Int) -> SlotTable) {
    let count = 1 << depth
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count * 8, alignment: 64)
    word = UInt64(UInt(bitPattern: memory)) | UInt64(depth)
    for index in 0..<count {
      unsafe (tables + index).initialize(to: Atomic(table(index).word))
    }
  }

  @inline(__always)
  var exists: Bool { word != 0 }

  @inline(__always)
  var depth: Int { Int(truncatingIfNeeded: word & 63) }

  var count: Int { 1 << depth }

  var byteCount: Int { exists ? count * 8 : 0 }

  private var tables: UnsafeMutablePointer<Atomic<UInt64>> {
    @inline(__always) get {
      unsafe UnsafeMutablePointer(bitPattern: UInt(truncatingIfNeeded: word & ~63))
        .unsafelyUnwrapped
    }
  }

  @inline(__always)
  func index(for hash: UInt64) -> Int {
    Int(truncatingIfNeeded: (hash &>> 1) &>> UInt64(truncatingIfNeeded: 63 &- depth))
  }

  subscript(index: Int) -> SlotTable {
    @inline(__always) get {
      SlotTable(word: unsafe tables[index].load(ordering: .acquiring))
    }
    nonmutating set {
      unsafe tables[index].store(newValue.word, ordering: .releasing)
    }
  }

  /// The places that lead to the table of a hash.
  func places(of table: SlotTable, _ hash: UInt64) -> Range<Int> {
    let width = 1 << (depth - table.depth)
    let first = index(for: hash) & ~(width - 1)
    return first..<first + width
  }

  /// Each table once.
  var distinctTables: [SlotTable] {
    var tables: [SlotTable] = []
    var index = 0
    while index < count {
      let table = self[index]
      tables.append(table)
      index += 1 << (depth - table.depth)
    }
    return tables
  }

  /// The same with one bit more.
  func doubled() -> Directory {
    Directory(depth: depth + 1) { self[$0 / 2] }
  }

  func deallocate() {
    unsafe UnsafeMutableRawPointer(tables).deallocate()
  }
}
