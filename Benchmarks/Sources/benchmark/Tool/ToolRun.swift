// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// One run of everything, round by round.
struct ToolRun {
  let folder: String
  let recordctl: String
  let rounds: Int
  let records: UInt64
  private(set) var report = Report()

  init(folder: String, recordctl: String, rounds: Int, records: UInt64) {
    self.folder = folder
    self.recordctl = recordctl
    self.rounds = rounds
    self.records = records
  }

  mutating func measure() throws {
    try measureCommits()
    for keys in GeneratedRow.KeyOrder.allCases.reversed() { try measureImport(keys) }
    try measureSync()
  }

  /// Writes the figures beside the documentation, and prints them.
  func write() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(report).write(to: URL(filePath: folder + "/tool.json"))
    let title = """
      # Commits, import and sync in one run

      Written by `make bench`: \(rounds) rounds, interleaved, medians. Only the ratios carry over
      to other machines.


      """
    try Data((title + report.table).utf8).write(to: URL(filePath: folder + "/tool.md"))
    print(report.table)
  }
}

// MARK: - Commits

extension ToolRun {
  private static let floorRow = "flush floor"

  private mutating func measureCommits() throws {
    var floor: [Double] = []
    var figures: [String: [Double]] = [:]
    for _ in 0..<rounds {
      let one = try commits(threads: 1, count: 2000)
      let many = try commits(threads: 32, count: 16_000)
      floor += [one[0], many[0]]
      figures["engine one", default: []].append(one[1])
      figures["engine one rate", default: []].append(one[2])
      figures["engine many rate", default: []].append(many[2])
      figures["records one", default: []].append(one[3])
      figures["records one rate", default: []].append(one[4])
      figures["records many rate", default: []].append(many[4])
    }
    report.add(Self.floorRow, floor.map { $0 * 1e6 }, "µs")
    for name in ["engine", "records"] {
      let one = figures[name + " one", default: []].map { $0 * 1e6 }
      report.add("\(name): durable commit, 1 thread", one, "µs")
      report.add(
        "\(name): durable commits, 1 thread", figures[name + " one rate", default: []], "/s")
      report.add(
        "\(name): durable commits, 32 threads", figures[name + " many rate", default: []], "/s")
      report.add(
        ratio: "\(name): durable commit / flush floor",
        report.value("\(name): durable commit, 1 thread") / report.value(Self.floorRow),
        atMost: 1.3)
      report.add(
        ratio: "\(name): 32 threads / 1 thread",
        report.value("\(name): durable commits, 32 threads")
          / report.value("\(name): durable commits, 1 thread"), atLeast: 6)
    }
  }

  /// The numbers that `benchmark commits` prints.
  private func commits(threads: Int, count: Int) throws -> [Double] {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["commits", folder, "\(threads)", "\(count)"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let numbers = String(decoding: output, as: UTF8.self).split { $0.isWhitespace }
      .compactMap { Double($0) }
    guard process.terminationStatus == 0, numbers.count == 5 else {
      throw BenchmarkFailure("the measurement of commits failed")
    }
    return numbers
  }
}

// MARK: - Import

extension ToolRun {
  private var jsonPath: String { folder + "/rows.jsonl" }
  private var csvPath: String { folder + "/rows.csv" }

  /// Writes the same rows as JSON lines and as CSV.
  private func makeInput(_ keys: GeneratedRow.KeyOrder) throws {
    for path in [jsonPath, csvPath] {
      try Data().write(to: URL(filePath: path))
    }
    let json = try FileHandle(forWritingTo: URL(filePath: jsonPath))
    let csv = try FileHandle(forWritingTo: URL(filePath: csvPath))
    for start in stride(from: 0, to: records, by: 10_000) {
      let rows = (start..<min(start + 10_000, records)).map { GeneratedRow($0, keys: keys) }
      try json.write(contentsOf: Data(rows.map(\.jsonLine).joined().utf8))
      try csv.write(contentsOf: Data(rows.map(\.csvLine).joined().utf8))
    }
    try json.close()
    try csv.close()
  }

  /// Leaves the store with the rows for `measureSync`.
  private mutating func measureImport(_ keys: GeneratedRow.KeyOrder) throws {
    try makeInput(keys)
    var ours: [Subprocess] = []
    var theirs: [Subprocess] = []
    for _ in 0..<rounds {
      try remove("ours.store")
      _ = try RunningSubprocess([recordctl, "init", "--store", path("ours.store")]).wait()
      ours.append(
        try RunningSubprocess([
          recordctl, "import", jsonPath, "--collection", "rows", "--store", path("ours.store"),
        ]).wait())
      for name in ["theirs.db", "theirs.db-wal", "theirs.db-shm"] { try remove(name) }
      theirs.append(try RunningSubprocess(sqliteCommand).wait())
    }
    add("import of \(records) rows, \(keys) keys: recordctl, JSON lines", ours)
    add("import of \(records) rows, \(keys) keys: sqlite3 shell, CSV", theirs)
    report.add(
      ratio: "import, \(keys) keys: recordctl / sqlite3 shell",
      Report.median(theirs.map(\.seconds)) / Report.median(ours.map(\.seconds)), atLeast: 1.8)
    report.add(
      ratio: "import, \(keys) keys: recordctl's memory in MB",
      (ours.map(\.peakBytes).max() ?? 0).megabytes, atMost: 300)
  }

  private var sqliteCommand: [String] {
    [
      "sqlite3", path("theirs.db"), "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
      """
      CREATE TABLE rows(key TEXT PRIMARY KEY, name TEXT, note TEXT, quantity INTEGER, price REAL)
      """,
      ".mode csv", ".import '\(csvPath)' rows",
    ]
  }

  private mutating func add(_ name: String, _ processes: [Subprocess]) {
    report.add(name, processes.map(\.seconds), "s")
    report.add(name + ", peak memory", processes.map { $0.peakBytes.megabytes }, "MB")
  }
}

// MARK: - Sync

extension ToolRun {
  private mutating func measureSync() throws {
    var clients: [Subprocess] = []
    var servers: [Subprocess] = []
    for _ in 0..<rounds {
      try remove("peer.store")
      _ = try RunningSubprocess([recordctl, "init", "--store", path("peer.store")]).wait()
      let server = try RunningSubprocess(
        [recordctl, "serve", "--store", path("ours.store"), "--listen", "127.0.0.1:0"],
        errorsTo: path("serve.log"))
      clients.append(
        try RunningSubprocess([
          recordctl, "sync", try peer(), "--store", path("peer.store"),
        ]).wait())
      server.send(signal: SIGTERM)
      servers.append(try server.wait())
    }
    let rates = clients.map { Double(records) / $0.seconds }
    report.add("sync of \(records) rows to an empty peer", rates, "rows/s")
    report.add("sync: puller's peak memory", clients.map { $0.peakBytes.megabytes }, "MB")
    report.add("sync: server's peak memory", servers.map { $0.peakBytes.megabytes }, "MB")
    report.add(ratio: "sync: rows per second", Report.median(rates), atLeast: 50_000)
    let most = (clients + servers).map(\.peakBytes).max() ?? 0
    report.add(ratio: "sync: memory of either side in MB", most.megabytes, atMost: 300)
  }

  /// The address that the server told, as soon as it has.
  private func peer() throws -> String {
    for _ in 0..<1000 {
      let log = (try? String(contentsOfFile: path("serve.log"), encoding: .utf8)) ?? ""
      if let match = log.firstMatch(of: /http:\/\/[0-9.]+:[0-9]+/) { return String(match.0) }
      usleep(10_000)
    }
    throw BenchmarkFailure("the server does not start")
  }

  private func path(_ name: String) -> String { folder + "/" + name }

  private func remove(_ name: String) throws {
    if FileManager.default.fileExists(atPath: path(name)) {
      try FileManager.default.removeItem(atPath: path(name))
    }
  }
}

extension UInt64 {
  fileprivate var megabytes: Double { Double(self) / 1_000_000 }
}
