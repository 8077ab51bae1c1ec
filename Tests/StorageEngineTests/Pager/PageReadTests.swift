// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// A page counts only if it is intact, is the one its parent means, and lies in its place.
struct PageReadTests {
  private let disk = SimulatedDisk()
  private let pager: Pager
  private let none = PageReference(number: 0, checksum: 0)

  init() throws {
    pager = try Pager(
      storage: disk, geometry: PageGeometry(pageBytes: 4096), cacheBytes: 4 << 20)
    try pager.resize(toExtents: 2)
    pager.map.setOwner(0, .pages)
  }

  private func write(_ payload: [UInt8], to number: UInt64) throws -> PageReference {
    try pager.writeChained(
      .value, number: number, birth: 1, payload: payload, next: none, buffer: pager.staging)
  }

  private func problem(_ reference: PageReference) throws -> String? {
    do {
      try pager.readFromDisk(reference, into: try AlignedBuffer(count: 4096))
      return nil
    } catch EngineError.corrupt(let damage) {
      #expect(damage.structure == "page \(reference.number)")
      #expect(damage.offset == 8192 + reference.number * 4096)
      return damage.problem
    }
  }

  @Test
  func `no bit of a page may be wrong`() throws {
    let reference = try write([1, 2, 3], to: 5)
    #expect(try problem(reference) == nil)
    let place = pager.geometry.offset(ofPage: 5)
    let bytes = disk.image.bytes(4096, at: place)
    var random = SplitMix64(seed: TestEnvironment.seed)
    let bits = Array(0..<128 * 8) + (0..<300).map { _ in random.below(4096 * 8) }
    for bit in bits {
      var wrong = bytes
      wrong[bit / 8] ^= 1 << UInt8(bit % 8)
      try disk.write(wrong, at: place)
      #expect(try problem(reference) == "its checksum does not match its content", "bit \(bit)")
    }
  }

  @Test
  func `an earlier content of the page is not taken for the present one`() throws {
    let earlier = try write([1], to: 5)
    let present = try write([2], to: 5)
    #expect(try problem(present) == nil)
    #expect(try problem(earlier) == "is intact, but not the page its parent refers to")
  }

  @Test
  func `a page written to another's place is not taken for it`() throws {
    let reference = try write([1], to: 5)
    try disk.write(
      disk.image.bytes(4096, at: pager.geometry.offset(ofPage: 5)),
      at: pager.geometry.offset(ofPage: 6))
    let astray = PageReference(number: 6, checksum: reference.checksum)
    #expect(try problem(astray) == "is page 5, written to the wrong place")
  }

  @Test
  func `every bit of a large value is covered`() throws {
    let value = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let direct = try value.withBytes { (bytes) throws(EngineError) in
      try pager.writeDirectValue(bytes)
    }
    func read() throws -> [UInt8] {
      try direct.encoded.withBytes { (bytes) throws(EngineError) in try pager.directValue(bytes) }
    }
    #expect(try read() == value)
    for run in direct.runs {
      for page in 0..<UInt64(run.count) {
        let place = pager.geometry.offset(ofPage: run.first + page)
        let bytes = disk.image.bytes(4096, at: place)
        for bit in stride(from: Int(page), to: 4096 * 8, by: 4099) {
          var wrong = bytes
          wrong[bit / 8] ^= 1 << UInt8(bit % 8)
          try disk.write(wrong, at: place)
          #expect(throws: EngineError.self) { _ = try read() }
        }
        try disk.write(bytes, at: place)
      }
    }
    #expect(try read() == value)
  }
}
