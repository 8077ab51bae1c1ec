// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import TestSupport
import Testing

/// Writes that are durable by themselves, among others that are not.
extension SimulatedDiskTests {
  @Test(arguments: CrashVariant.allCases)
  func `a durable write survives every variant and leaves the others pending`(
    _ variant: CrashVariant
  ) throws {
    for recordsHistory in [true, false] {
      let disk = preparedDisk(recordsHistory: recordsHistory)
      try disk.write(block(1), at: 0)
      try disk.writeDurably(block(2), at: 4096)
      var first: Set<UInt8> = []
      for seed in 0..<50 {
        let bytes = content(disk.crashed(variant, seed: UInt64(seed)))
        #expect(bytes[4096..<8192].allSatisfy { $0 == 2 })
        first.insert(bytes[0])
      }
      if variant == .loseAll { #expect(first == [0xAA]) }
      if variant == .keepAll { #expect(first == [1]) }
    }
  }

  @Test(arguments: CrashVariant.allCases)
  func `a durable write over a pending one hides it, whatever becomes of that`(
    _ variant: CrashVariant
  ) throws {
    for recordsHistory in [true, false] {
      let disk = preparedDisk(recordsHistory: recordsHistory)
      try disk.write(block(1, count: 3), at: 0)
      try disk.writeDurably(block(2), at: 4096)
      let end = disk.mutations
      try disk.write(block(3), at: 4 * 4096)
      for seed in 0..<50 {
        let bytes = content(disk.crashed(variant, seed: UInt64(seed)))
        #expect(bytes[4096..<8192].allSatisfy { $0 == 2 }, "seed \(seed)")
      }
      #expect(content(disk.crashed(.loseAll))[8192] == 0xAA)
      #expect(content(disk.crashed(.keepAll))[8192] == 1)
      guard recordsHistory else { continue }
      // While it was under way it was as uncertain as any other.
      #expect(content(disk.crashed(atMutation: end - 1, .loseAll))[4096] == 0xAA)
      #expect(content(disk.crashed(atMutation: end - 1, .keepAll))[4096] == 1)
    }
  }

  @Test(arguments: CrashVariant.allCases)
  func `growth that is pending cuts nothing off what was written durably beyond it`(
    _ variant: CrashVariant
  ) throws {
    for recordsHistory in [true, false] {
      let disk = preparedDisk(recordsHistory: recordsHistory)
      let length = try disk.length()
      try disk.resize(to: length + 4096)
      try disk.resize(to: length + 8192)
      try disk.writeDurably(block(2), at: length + 4096)
      for seed in 0..<50 {
        let bytes = content(disk.crashed(variant, seed: UInt64(seed)))
        #expect(bytes.dropFirst(Int(length) + 4096).allSatisfy { $0 == 2 }, "seed \(seed)")
        #expect(bytes.count == Int(length) + 8192, "seed \(seed)")
      }
    }
  }

  @Test
  func `a later write over a durable one is pending like any other`() throws {
    let disk = preparedDisk()
    try disk.write(block(1), at: 0)
    try disk.writeDurably(block(2), at: 0)
    try disk.write(block(3), at: 0)
    #expect(content(disk.crashed(.loseAll))[0] == 2)
    #expect(content(disk.crashed(.keepAll))[0] == 3)
    try disk.flush()
    #expect(content(disk.crashed(.loseAll))[0] == 3)
    #expect(disk.variants() == [.loseAll])
  }

  @Test(arguments: [true, false])
  func `a durable write that failed may reach the disk or not, and no flush settles it`(
    _ recordsHistory: Bool
  ) throws {
    for applied in [Fault.Applied.part, .whole] {
      let disk = preparedDisk(recordsHistory: recordsHistory)
      try disk.write(block(1), at: 4 * 4096)
      disk.inject(Fault(call: disk.calls, kind: .system(errno: EIO), applied: applied))
      #expect(throws: StorageError.self) { try disk.writeDurably(block(2, count: 2), at: 0) }
      #expect(try disk.read(4096, at: 0) == block(2))
      for _ in 0..<2 {
        #expect(content(disk.crashed(.loseAll))[0] == 0xAA)
        #expect(content(disk.crashed(.keepAll))[0] == 2)
        try disk.write(block(3), at: 6 * 4096)
        try disk.flush()
      }
      // What was pending beside it is certain since the flush.
      #expect(content(disk.crashed(.loseAll))[4 * 4096] == 1)
      try disk.writeDurably(block(4), at: 0)
      #expect(content(disk.crashed(.keepAll))[0] == 4)
      #expect(content(disk.crashed(.loseAll))[0] == 4)
    }
  }

  @Test
  func `a power cut in a durable write may keep any part of it`() throws {
    let disk = preparedDisk()
    disk.stop(atMutation: 0)
    #expect(throws: StorageError.self) { try disk.writeDurably(block(2, count: 4), at: 0) }
    #expect(content(disk.crashed(.loseAll))[0] == 0xAA)
    let lengths = (0..<100).map { seed in
      content(disk.crashed(.interrupted, seed: seed)).prefix { $0 == 2 }.count
    }
    #expect(Set(lengths).count > 20)
  }
}
