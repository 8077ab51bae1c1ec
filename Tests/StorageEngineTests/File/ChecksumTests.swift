// SPDX-License-Identifier: Apache-2.0

import CStorageSystem
import TestSupport
import Testing

struct ChecksumTests {
  private func checksum(_ bytes: some Collection<UInt8>, seed: UInt32 = 0) -> UInt32 {
    let bytes = Array(bytes)
    return unsafe storage_crc32c(seed, bytes, bytes.count)
  }

  private func tableChecksum(_ bytes: some Collection<UInt8>, seed: UInt32 = 0) -> UInt32 {
    let bytes = Array(bytes)
    return unsafe storage_crc32c_table(seed, bytes, bytes.count)
  }

  /// The check value of the CRC catalogue, and the vectors of RFC 3720, B.4.
  static let vectors: [(bytes: [UInt8], checksum: UInt32)] = [
    ([], 0),
    (Array("123456789".utf8), 0xE306_9283),
    ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
    ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
    ((0..<32).map { UInt8($0) }, 0x46DD_794E),
    ((0..<32).reversed().map { UInt8($0) }, 0x113F_DB5C),
  ]

  @Test(arguments: vectors.indices)
  func `published vectors give their checksums`(_ index: Int) {
    let vector = Self.vectors[index]
    #expect(checksum(vector.bytes) == vector.checksum)
    #expect(tableChecksum(vector.bytes) == vector.checksum)
  }

  @Test
  func `the instruction and the tables agree at every length and alignment`() {
    var random = SplitMix64(seed: TestEnvironment.seed)
    let bytes = random.bytes(70_000)
    for length in 0..<2100 {
      let slice = bytes[(length % 17)...].prefix(length)
      #expect(checksum(slice) == tableChecksum(slice), "length \(length)")
    }
    for _ in 0..<300 {
      let start = random.below(100)
      let slice = bytes[start...].prefix(random.below(bytes.count - start))
      let seed = UInt32(truncatingIfNeeded: random.next())
      #expect(
        checksum(slice, seed: seed) == tableChecksum(slice, seed: seed),
        "\(slice.count) bytes from \(start), seed \(TestEnvironment.seed)")
    }
  }

  @Test
  func `a checksum continues from the one of the bytes before`() {
    var random = SplitMix64(seed: TestEnvironment.seed)
    for _ in 0..<200 {
      let first = random.bytes(random.below(6000))
      let second = random.bytes(random.below(6000))
      #expect(checksum(second, seed: checksum(first)) == checksum(first + second))
      #expect(tableChecksum(second, seed: tableChecksum(first)) == checksum(first + second))
    }
  }

  @Test
  func `every single flipped bit changes the checksum`() {
    var random = SplitMix64(seed: TestEnvironment.seed)
    var bytes = random.bytes(4096)
    let whole = checksum(bytes)
    for bit in 0..<(bytes.count * 8) {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(checksum(bytes) != whole)
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }
}
