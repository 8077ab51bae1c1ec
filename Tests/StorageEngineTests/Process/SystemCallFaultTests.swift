// SPDX-License-Identifier: Apache-2.0

import Foundation
import StorageEngine
import TestSupport
import Testing

/// System calls of a real process that fail, one after the other, by means of `strace`.
///
/// RECORD_STORE_CALL_FAULTS is up to the how manyeth call of a kind is made to fail.
struct SystemCallFaultTests {
  @Test(
    .enabled(if: Tracer.isAvailable, "strace is not installed, or may not trace here"),
    arguments: ["pwrite64", "pwritev2", "fdatasync", "fallocate", "ftruncate", "openat", "pread64"])
  func `a system call that fails takes no acknowledged transaction along`(_ call: String) throws {
    let nth = TestEnvironment.count("RECORD_STORE_CALL_FAULTS", quick: 5)
    var hits = 0
    var seed = TestEnvironment.seed >> 1
    for number in ["EIO", "ENOSPC", "EINTR"] {
      for count in stride(from: 1, through: max(1, nth), by: 2) {
        seed += 1
        do {
          hits += try withTemporaryDirectory(in: "/var/tmp") { directory in
            try TracedRun(directory + "/store", seed: seed).inject(call, number, at: count)
          }
        } catch {
          throw TestFailure("\(call) \(count) \(number), seed \(seed): \(error)")
        }
      }
    }
    #expect(hits > 0, "no \(call) failed")
  }

  @Test(.enabled(if: Tracer.isAvailable, "strace is not installed, or may not trace here"))
  func `a write that comes to an end too early is continued`() throws {
    try withTemporaryDirectory(in: "/var/tmp") { directory in
      let trace = try TracedRun(directory + "/store", seed: 1).shorten("pwrite64", to: 4096)
      let (offset, rest) = try #require(trace.shortWrite(of: 4096))
      #expect(trace.writes.contains { $0 == (rest, offset + 4096) }, "\(rest) bytes are lost")
    }
  }

  @Test(.enabled(if: Tracer.isAvailable, "strace is not installed, or may not trace here"))
  func `where a part of a file cannot be flushed, the whole is from then on`() throws {
    try withTemporaryDirectory(in: "/var/tmp") { directory in
      let run = try TracedRun(directory + "/store", seed: 2)
      #expect(try run.inject("pwritev2", "EOPNOTSUPP", at: nil) == 1)
    }
  }

  @Test(.enabled(if: Tracer.isAvailable, "strace is not installed, or may not trace here"))
  func `where space cannot be reserved, it is written`() throws {
    try withTemporaryDirectory(in: "/var/tmp") { directory in
      let path = directory + "/store"
      let run = try TracedRun(path, seed: 3)
      #expect(try run.inject("fallocate", "EOPNOTSUPP", at: nil) > 0)
      var status = stat()
      #expect(unsafe stat(path, &status) == 0)
      #expect(status.st_blocks * 512 >= status.st_size, "a hole is left, where writing may fail")
    }
  }

  @Test(.enabled(if: Tracer.isAvailable, "strace is not installed, or may not trace here"))
  func `a store whose name cannot be made durable is not created`() throws {
    try withTemporaryDirectory(in: "/var/tmp") { directory in
      let path = directory + "/store"
      let tracer = Tracer(log: directory + "/trace", file: directory)
      let writer = try tracer.run(
        [ChildProcess.builtExecutable("crash-writer"), "mix", path, "1", "1", "1"],
        injecting: ["fsync:error=EIO"])
      let answer = try writer.readLine() ?? ""
      #expect(answer.hasPrefix("error: open of \(path) failed"), "\(answer)")
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }
}

/// A new store, written to by a process under `strace`.
private struct TracedRun {
  private static let threads = 2
  private static let transactions = 60
  private let path: String
  private let seed: UInt64

  init(_ path: String, seed: UInt64) throws {
    self.path = path
    self.seed = seed
    let database = try Database.create(at: path)
    try MixedSeries.prepare(database)
    try database.close()
  }

  /// Lets a call fail, once or always, and checks what the process made of it; returns how many
  /// failed.
  func inject(_ call: String, _ number: String, at count: Int?) throws -> Int {
    let tracer = Tracer(log: path + ".trace", file: path)
    let place = count.map { ":when=\($0)" } ?? ""
    var faults = ["\(call):error=\(number)\(place)"]
    // The length is taken back when there was no room for a longer file.
    if call == "ftruncate" { faults.append("fallocate:error=ENOSPC\(place)") }
    let writer = try tracer.run(
      [ChildProcess.builtExecutable("crash-writer"), "mix", path, "\(Self.threads)", "\(seed)"]
        + ["\(Self.transactions)", "3"],
      injecting: faults)
    var said = MixedTestimony()
    var failure: String?
    while let line = try writer.readLine() {
      if line.hasPrefix("error: ") { failure = line } else { try said.take(line) }
    }
    writer.wait()
    try judge(writer.terminationStatus, failure, isHarmless: Self.isRepeated(call, number))
    let trace = try Trace(path + ".trace")
    try trace.checkFlushes()
    var history = MixedHistory(MixedSeries.all(Self.threads, seed: seed))
    try history.verify(path, before: said, after: said) { count.map { $0 > 1 } ?? true }
    return trace.failures(of: call)
  }

  /// Lets a call do less than it was asked to.
  func shorten(_ call: String, to count: Int) throws -> Trace {
    let tracer = Tracer(log: path + ".trace", file: path)
    let writer = try tracer.run(
      [ChildProcess.builtExecutable("crash-writer"), "mix", path, "1", "\(seed)", "200"],
      injecting: ["\(call):retval=\(count)"])
    while try writer.readLine() != nil {}
    writer.wait()
    return try Trace(path + ".trace")
  }

  /// Whether an interrupted call is simply made again, or one that is not known replaced.
  private static func isRepeated(_ call: String, _ number: String) -> Bool {
    number == "EOPNOTSUPP" || number == "EINTR" && !["fdatasync", "pwritev2"].contains(call)
  }

  private func judge(_ status: Int32, _ failure: String?, isHarmless: Bool) throws {
    guard status == 0 || (status == 1 && failure != nil) else {
      throw TestFailure("the writer ended with \(status)")
    }
    if isHarmless, let failure { throw TestFailure("an interruption was reported: \(failure)") }
  }
}

/// Runs programs under `strace`.
private struct Tracer {
  static let program = "/usr/bin/strace"
  /// Where the calls are listed.
  let log: String
  /// Only calls on this file count.
  let file: String

  static let isAvailable: Bool = {
    let probe = try? ChildProcess(program, ["-f", "-qq", "-o", "/dev/null", "/usr/bin/true"])
    probe?.wait()
    return probe?.terminationStatus == 0
  }()

  func run(_ command: [String], injecting faults: [String]) throws -> ChildProcess {
    let calls = "trace=pwrite64,pwritev2,fdatasync,fallocate,ftruncate,openat,pread64,fsync"
    // A descriptor that is opened once more is named by its number.
    let names = [file] + (3...9).map { "/proc/self/fd/\($0)" }
    return try ChildProcess(
      Self.program,
      // Leaks cannot be looked for in a process that is traced.
      ["-f", "-qq", "-o", log, "-E", "ASAN_OPTIONS=detect_leaks=0"] + names.flatMap { ["-P", $0] }
        + ["-e", calls]
        + faults.flatMap { ["-e", "inject=\($0)"] } + command)
  }
}

/// What `strace` has listed.
private struct Trace {
  private let lines: [Substring]

  init(_ path: String) throws {
    lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
  }

  /// How many calls of a kind were made to fail.
  func failures(of call: String) -> Int {
    lines.count { $0.hasSuffix("(INJECTED)") && $0.contains(call) }
  }

  /// Length and offset of each `pwrite64`.
  var writes: [(count: Int, offset: Int)] {
    lines.compactMap { line in
      // pwrite64(3, "…"..., 8192, 4096) = 8192
      guard line.contains("pwrite64("), let close = line.range(of: ") ", options: .backwards)
      else { return nil }
      let arguments = line[..<close.lowerBound].split(separator: ", ").suffix(2)
      let numbers = arguments.compactMap { Int($0) }
      return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
    }
  }

  /// Where a write did less than it was asked to, and how much was left.
  func shortWrite(of count: Int) -> (offset: Int, rest: Int)? {
    writes.first { $0.count > count }.map { ($0.offset, $0.count - count) }
  }

  /// A flush that failed may not be tried again: the next one would succeed for nothing.
  func checkFlushes() throws {
    for call in ["fdatasync", "pwritev2"] {
      guard
        let failed = lines.firstIndex(where: { $0.hasSuffix("(INJECTED)") && $0.contains(call) })
      else { continue }
      let later = lines[(failed + 1)...].count { $0.contains("\(call)(") }
      guard later == 0 else { throw TestFailure("\(later) times \(call) after one that failed") }
    }
  }
}
