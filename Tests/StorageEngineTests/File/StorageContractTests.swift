// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import StorageEngine

/// What every storage promises: the file, the memory and the simulated disk.
struct StorageContractTests {
  enum Medium: String, CaseIterable {
    case file, bufferedFile, memory, simulatedDisk
  }

  private func withStorage(_ medium: Medium, _ body: (any Storage) throws -> Void) throws {
    switch medium {
    case .file, .bufferedFile:
      let directory = medium == .bufferedFile ? "/dev/shm" : nil
      try withTemporaryDirectory(in: directory) { path in
        let storage = try FileStorage.create(at: path + "/store")
        try body(storage)
        storage.close()
      }
    case .memory: try body(MemoryStorage())
    case .simulatedDisk: try body(SimulatedDisk())
    }
  }

  @Test(arguments: Medium.allCases)
  func `what is written is read`(_ medium: Medium) throws {
    var random = SplitMix64(seed: TestEnvironment.seed)
    try withStorage(medium) { storage in
      #expect(try storage.length() == 0)
      try storage.resize(to: 1 << 20)
      #expect(try storage.length() == 1 << 20)
      var model = [UInt8](repeating: 0, count: 1 << 20)
      for _ in 0..<40 {
        let blocks = 1 + random.below(40)
        let place = random.below(256 - blocks) * 4096
        let bytes = random.bytes(blocks * 4096)
        try storage.write(bytes, at: UInt64(place))
        model.replaceSubrange(place..<place + bytes.count, with: bytes)
      }
      try storage.flush()
      #expect(try storage.read(1 << 20, at: 0) == model)
      #expect(try storage.read(8192, at: 4096 * 7) == Array(model[(4096 * 7)..<(4096 * 9)]))
    }
  }

  @Test(arguments: Medium.allCases)
  func `writing beyond the end grows and reading beyond it fails`(_ medium: Medium) throws {
    try withStorage(medium) { storage in
      try storage.write([UInt8](repeating: 7, count: 4096), at: 8192)
      #expect(try storage.length() == 12_288)
      #expect(try storage.read(4096, at: 4096) == [UInt8](repeating: 0, count: 4096))
      for offset in [8192, 12_288, 1 << 40, UInt64.max - 4095] {
        let expected = StorageError(
          operation: .read, kind: .unexpectedEnd, offset: offset, name: storage.name)
        #expect(throws: expected) { _ = try storage.read(8192, at: offset) }
      }
    }
  }

  @Test(arguments: Medium.allCases)
  func `bytes that were cut off read as zero after growth`(_ medium: Medium) throws {
    try withStorage(medium) { storage in
      try storage.write([UInt8](repeating: 9, count: 65_536), at: 0)
      try storage.resize(to: 8192)
      #expect(try storage.length() == 8192)
      try storage.resize(to: 65_536)
      let bytes = try storage.read(65_536, at: 0)
      #expect(bytes[..<8192].allSatisfy { $0 == 9 })
      #expect(bytes[8192...].allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: Medium.allCases)
  func `absurd places and lengths are refused`(_ medium: Medium) throws {
    try withStorage(medium) { storage in
      for length in [1 << 60, UInt64.max - 4095] {
        let error = #expect(throws: StorageError.self) { try storage.resize(to: length) }
        #expect(error?.kind == .outOfSpace)
      }
      let block = [UInt8](repeating: 0, count: 4096)
      let error = #expect(throws: StorageError.self) {
        try storage.write(block, at: UInt64.max - 4095)
      }
      #expect(error?.kind == .outOfSpace)
      let length = try storage.length()
      #expect(length == 0)
    }
  }

  @Test(arguments: Medium.allCases)
  func `calls after close fail and a second close does nothing`(_ medium: Medium) throws {
    try withStorage(medium) { storage in
      try storage.resize(to: 8192)
      storage.close()
      storage.close()
      let block = [UInt8](repeating: 0, count: 4096)
      let closed = StorageError.Kind.system(errno: EBADF)
      #expect(throws: StorageError(operation: .length, kind: closed, name: storage.name)) {
        _ = try storage.length()
      }
      #expect(throws: StorageError(operation: .flush, kind: closed, name: storage.name)) {
        try storage.flush()
      }
      #expect(throws: StorageError.self) { try storage.write(block, at: 0) }
      #expect(throws: StorageError.self) { _ = try storage.read(4096, at: 0) }
      #expect(throws: StorageError.self) { try storage.resize(to: 0) }
    }
  }

  @Test(arguments: Medium.allCases)
  func `closing while others read neither crashes nor reads elsewhere`(_ medium: Medium) throws {
    try withStorage(medium) { storage in
      let block = [UInt8](repeating: 5, count: 4096)
      try storage.write(block, at: 0)
      try runThreads(4) { thread in
        for round in 0..<200 {
          if thread == 0, round == 100 { storage.close() }
          do {
            guard try storage.read(4096, at: 0) == block else {
              throw TestFailure("read something else")
            }
          } catch is StorageError {}
        }
      }
    }
  }
}
