// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Memory that the system has at hand.
///
/// A virtual machine may have to get memory from its host when it is touched for the first time in a
/// while, which takes many times as long as all an engine does with it; and how much is at hand depends
/// on what ran before. So some is touched and given back before each measurement.
enum FreshMemory {
  private static let largestBytes = 4 << 30
  private static let bytesPerRecord = 4096

  /// Touches as much as a measurement may use, but no more than half of what is free.
  static func prepare(records: Int) {
    let free = sysconf(Int32(_SC_AVPHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    let bytes = min(records * bytesPerRecord, largestBytes, free / 2)
    let pageBytes = 4096
    guard bytes > pageBytes,
      let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      memory != MAP_FAILED
    else { return }
    for offset in stride(from: 0, to: bytes, by: pageBytes) {
      memory.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
    }
    munmap(memory, bytes)
  }
}
