// SPDX-License-Identifier: Apache-2.0

import Glibc
import StorageEngine
import TestSupport
import Testing

/// The simulated disk must be at least as bad as a real one, and no worse.
struct SimulatedDiskTests {
  static let block = 4096

  /// A block filled with one number.
  func block(_ number: UInt8, count: Int = 1) -> [UInt8] {
    [UInt8](repeating: number, count: count * Self.block)
  }

  /// A disk of 8 blocks of 0xAA, durable.
  func preparedDisk(recordsHistory: Bool = true) -> SimulatedDisk {
    SimulatedDisk(DiskImage(block(0xAA, count: 8)), recordsHistory: recordsHistory)
  }

  func content(_ disk: SimulatedDisk) -> [UInt8] {
    disk.image.bytes(Int(disk.image.length), at: 0)
  }

  @Test(arguments: CrashVariant.allCases)
  func `what was flushed survives every variant`(_ variant: CrashVariant) throws {
    let disk = preparedDisk()
    try disk.write(block(1), at: 0)
    try disk.resize(to: 10 * 4096)
    try disk.flush()
    let expected = content(disk)
    for seed in 0..<50 {
      #expect(content(disk.crashed(variant, seed: UInt64(seed))) == expected)
    }
  }

  @Test
  func `what was not flushed is lost, kept or mixed as the variant says`() throws {
    let disk = preparedDisk()
    for number in 0..<4 { try disk.write(block(UInt8(number + 1)), at: UInt64(number * 8192)) }
    func written(_ variant: CrashVariant, _ seed: Int) -> [Bool] {
      let bytes = content(disk.crashed(variant, seed: UInt64(seed)))
      return (0..<4).map { bytes[$0 * 8192] == UInt8($0 + 1) }
    }
    #expect(written(.loseAll, 0) == [false, false, false, false])
    #expect(written(.keepAll, 0) == [true, true, true, true])
    var reordered: Set<[Bool]> = []
    var subsets: Set<[Bool]> = []
    for seed in 0..<400 {
      reordered.insert(written(.reordered, seed))
      subsets.insert(written(.randomSubset, seed))
    }
    #expect(reordered.count == 5)
    #expect(reordered.allSatisfy { !$0.contains(true) || $0.last == true })
    #expect(subsets.count == 16)
  }

  @Test
  func `torn blocks mix old and new bytes at sectors and elsewhere`() throws {
    let disk = preparedDisk()
    try disk.write(block(1, count: 8), at: 0)
    var atSector = false
    var elsewhere = false
    for seed in 0..<200 {
      let bytes = content(disk.crashed(.torn, seed: UInt64(seed)))
      #expect(bytes.allSatisfy { $0 == 1 || $0 == 0xAA })
      for place in 1..<bytes.count where bytes[place] != bytes[place - 1] {
        if place % 512 == 0, place % 4096 != 0 { atSector = true }
        if place % 512 != 0 { elsewhere = true }
      }
    }
    #expect(atSector && elsewhere)
  }

  @Test
  func `the call under way is applied in part, all before it whole`() throws {
    let disk = preparedDisk()
    try disk.write(block(1), at: 0)
    disk.stop(atMutation: 1)
    #expect(throws: StorageError.self) { try disk.write(block(2, count: 2), at: 8192) }
    #expect(throws: StorageError.self) { _ = try disk.read(4096, at: 0) }
    #expect(throws: StorageError.self) { try disk.flush() }
    #expect(disk.isStopped)
    var lengths: Set<Int> = []
    for seed in 0..<200 {
      let bytes = content(disk.crashed(.interrupted, seed: UInt64(seed)))
      #expect(bytes[0..<4096].allSatisfy { $0 == 1 })
      lengths.insert(bytes[8192...].prefix { $0 == 2 }.count)
    }
    #expect(lengths.count > 20)
    #expect(lengths.contains { $0 % 512 != 0 })
    #expect(content(disk.crashed(.keepAll))[8192] == 0xAA)
  }

  @Test
  func `a change of size arrives without the bytes, or the bytes without it`() throws {
    let disk = preparedDisk()
    try disk.resize(to: 16 * 4096)
    try disk.write(block(1), at: 0)
    try disk.write(block(2), at: 12 * 4096)
    let sizeLost = content(disk.crashed(.sizeLost))
    #expect(sizeLost.count == 8 * 4096 && sizeLost[0] == 1)
    let sizeOnly = content(disk.crashed(.sizeOnly))
    #expect(sizeOnly.count == 16 * 4096 && sizeOnly[0] == 0xAA && sizeOnly[12 * 4096] == 0)
    try disk.flush()
    try disk.resize(to: 4096)
    #expect(content(disk.crashed(.loseAll)).count == 16 * 4096)
    #expect(content(disk.crashed(.loseAll))[12 * 4096] == 2)
    #expect(content(disk.crashed(.keepAll)).count == 4096)
  }

  @Test
  func `history gives the image of every earlier call`() throws {
    let disk = preparedDisk()
    for number in 0..<20 {
      try disk.write(block(UInt8(number + 1)), at: 0)
      if number % 3 == 2 { try disk.flush() }
    }
    var writes = 0
    var durable = 0
    for call in 0..<disk.mutations {
      let lost = content(disk.crashed(atMutation: call, .loseAll))[0]
      let kept = content(disk.crashed(atMutation: call, .keepAll))[0]
      #expect(lost == (durable == 0 ? 0xAA : UInt8(durable)), "call \(call)")
      #expect(kept == (writes == 0 ? 0xAA : UInt8(writes)), "call \(call)")
      if call % 4 == 3 { durable = writes } else { writes += 1 }
    }
  }

  @Test
  func `a failed flush is reported once and its writes are never certain again`() throws {
    for recordsHistory in [true, false] {
      let disk = preparedDisk(recordsHistory: recordsHistory)
      try disk.write(block(1), at: 0)
      disk.inject(Fault(call: disk.calls, kind: .system(errno: EIO)))
      #expect(throws: StorageError.self) { try disk.flush() }
      #expect(try disk.read(4096, at: 0) == block(1))
      try disk.write(block(2), at: 4096)
      try disk.flush()
      try disk.flush()
      let lost = content(disk.crashed(.loseAll))
      #expect(lost[0] == 0xAA && lost[4096] == 2)
      #expect(content(disk.crashed(.keepAll))[0] == 1)
      try disk.write(block(3), at: 0)
      try disk.flush()
      #expect(content(disk.crashed(.loseAll))[0] == 3)
    }
  }

  @Test
  func `faults strike once or last, with none, part or all of the effect`() throws {
    let disk = preparedDisk()
    func attempt(_ applied: Fault.Applied) throws -> Int {
      try disk.write(block(0, count: 4), at: 0)
      disk.inject(Fault(call: disk.calls, kind: .system(errno: EIO), applied: applied))
      let error = #expect(throws: StorageError.self) { try disk.write(block(1, count: 4), at: 0) }
      #expect(error?.kind == .system(errno: EIO))
      return try disk.read(4 * 4096, at: 0).count { $0 == 1 }
    }
    #expect(try attempt(.nothing) == 0)
    #expect(try attempt(.whole) == 4 * 4096)
    #expect((1..<(4 * 4096)).contains(try attempt(.part)))
    #expect(disk.failedOperation == .write)

    disk.inject(Fault(call: disk.calls, kind: .outOfSpace, lasts: true))
    #expect(throws: StorageError.self) { try disk.write(block(1), at: 0) }
    #expect(throws: StorageError.self) { try disk.resize(to: 1 << 20) }
    #expect(try disk.read(4096, at: 0).count == 4096)
    try disk.flush()
    disk.inject(nil)
    try disk.write(block(1), at: 0)
  }

  @Test
  func `a full disk refuses growth`() throws {
    let disk = SimulatedDisk(capacity: 8192)
    try disk.resize(to: 8192)
    let error = #expect(throws: StorageError.self) { try disk.resize(to: 12_288) }
    #expect(error?.kind == .outOfSpace)
    #expect(throws: StorageError.self) { try disk.write(block(1), at: 8192) }
    disk.setCapacity(1 << 20)
    try disk.write(block(1), at: 8192)
  }

  @Test
  func `unaligned access and use after close are noted`() throws {
    let disk = preparedDisk()
    try disk.write(block(1), at: 0)
    #expect(disk.violations.isEmpty)
    try disk.write(block(1), at: 512)
    try disk.write([UInt8](repeating: 0, count: 100), at: 0)
    #expect(disk.violations.count == 2)
    disk.close()
    #expect(throws: StorageError.self) { try disk.flush() }
    #expect(disk.violations.count == 3)
    #expect(try disk.reopened().read(4096, at: 4096).count == 4096)
  }

  @Test
  func `silent damage does what it says`() {
    let old = DiskImage(block(1) + block(2) + block(3))
    var image = old
    image.flip(0x80, at: 5000)
    #expect(image.bytes(1, at: 5000) == [0x82])
    image.zero(4096, at: 0)
    #expect(image.isZero(4096, at: 0))
    image.copy(4096, from: old, at: 0, to: 0)
    #expect(image.bytes(4096, at: 0) == block(1))
    image.swap(4096, at: 0, and: 8192)
    #expect(image.bytes(4096, at: 0) == block(3) && image.bytes(4096, at: 8192) == block(1))
    image.copy(4096, from: image, at: 0, to: 4096)
    #expect(image.bytes(4096, at: 4096) == block(3))
    #expect(old.bytes(4096, at: 0) == block(1))
  }

  @Test
  func `images agree with plain arrays under random changes`() {
    var random = SplitMix64(seed: TestEnvironment.seed)
    var image = DiskImage()
    var model: [UInt8] = []
    for _ in 0..<500 {
      if random.chance(1, in: 4) {
        let length = random.below(200_000)
        image.setLength(UInt64(length))
        let missing = max(0, length - model.count)
        model = Array(model.prefix(length)) + [UInt8](repeating: 0, count: missing)
      } else {
        let bytes = random.bytes(random.below(40_000))
        let place = random.below(200_000)
        image.write(bytes[...], at: UInt64(place))
        model += [UInt8](repeating: 0, count: max(0, place + bytes.count - model.count))
        model.replaceSubrange(place..<place + bytes.count, with: bytes)
      }
      #expect(image.length == UInt64(model.count))
      #expect(image.bytes(model.count, at: 0) == model, "seed \(TestEnvironment.seed)")
    }
  }
}
