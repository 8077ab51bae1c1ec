// SPDX-License-Identifier: Apache-2.0

import Testing

/// The rules of style that the formatter does not know, executed.
@Suite struct SourceTests {
  static let sources = Repository.files(withExtension: "swift")
  static let scripts = Repository.files.filter {
    $0.hasSuffix(".sh") || $0.hasSuffix(".py") || $0.hasPrefix(".ci/") || $0 == "Makefile"
  }
  static let cSources = Repository.files.filter { $0.hasSuffix(".c") || $0.hasSuffix(".h") }

  /// Where code may leave the compiler's memory safety, and why.
  static let unsafeFolders = [
    "Sources/StorageEngine/",  // frames, pages, the log's buffers, system calls
    "Sources/DurableMemory/Memory/",  // entries, tables and readers of maps
    "Sources/ChangeJournal/Compression/",  // libz
    "Sources/ChangeJournal/Hashing/",  // SHA-256 takes bytes as a pointer
    "Sources/Records/Codec/SpanCopy.swift",  // bytes in one piece
    "Sources/Records/Snapshot/FileNames.swift",  // system calls
    "Sources/Records/Store/Environment.swift",  // the system's clock
    "Sources/Workloads/Generator/Checksum.swift",  // eight bytes as one number
    "Sources/Workloads/Measure/F",  // what a file takes on the disk, and what a flush does
    "cli/recordctl/System/",  // system calls
  ]

  @Test func `the scan sees the sources`() {
    #expect(Self.sources.count > 30)
    #expect(Self.sources.contains("Package.swift"))
    #expect(Self.scripts.contains("Makefile"))
  }

  @Test func `every source names its licence in its first lines`() throws {
    for path in Self.sources + Self.scripts + Self.cSources {
      let head = try Repository.text(path).split(separator: "\n").prefix(2).joined()
      #expect(head.contains("SPDX-License-Identifier: Apache-2.0"), "\(path)")
    }
  }

  @Test func `no source has more than 500 lines`() throws {
    for path in Self.sources + Self.scripts + Self.cSources {
      let count = try Repository.text(path).split(separator: "\n").count
      #expect(count <= 500, "\(path)")
    }
  }

  @Test func `no function has more than 70 lines`() throws {
    for path in Self.sources {
      for function in SwiftSource(try Repository.text(path)).functions {
        #expect(function.lines <= 70, "\(path): \(function.line): \(function.declaration)")
      }
    }
  }

  @Test func `open work is not left in the sources`() throws {
    let marks = ["TO" + "DO", "FIX" + "ME"]
    for path in Self.sources + Self.scripts + Self.cSources {
      let text = try Repository.text(path)
      for mark in marks {
        #expect(!text.contains(mark), "\(path): \(mark)")
      }
    }
  }

  @Test func `memory safety is left only where it is argued`() throws {
    for path in Self.sources where path.hasPrefix("Sources/") || path.hasPrefix("cli/") {
      if Self.unsafeFolders.contains(where: path.hasPrefix) { continue }
      for (index, line) in SwiftSource(try Repository.text(path)).code.enumerated() {
        let words = line.split { !$0.isLetter && $0 != "_" && $0 != "@" }
        #expect(!words.contains("unsafe") && !words.contains("@unchecked"), "\(path): \(index + 1)")
      }
    }
  }

  @Test func `the library does not import Foundation`() throws {
    let modules = ["StorageEngine", "DurableMemory", "ChangeJournal", "Records", "PeerSync"]
    for path in Self.sources where modules.contains(where: { path.hasPrefix("Sources/\($0)/") }) {
      let code = SwiftSource(try Repository.text(path)).code
      #expect(!code.contains { $0.contains("import Foundation") }, "\(path)")
    }
  }

  @Test func `nothing knows the machine it was written on`() throws {
    let folders = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/Us" + "ers/"]
    for path in Repository.files where !path.hasSuffix(".store") && path != "LICENSE" {
      guard let text = try? Repository.text(path) else { continue }
      for folder in folders {
        #expect(!text.contains(folder), "\(path): \(folder)")
      }
    }
  }
}

/// The scanner itself: a rule that sees nothing would always hold.
@Suite struct SwiftSourceTests {
  @Test func `a long function is measured from its declaration to its closing brace`() {
    let body = (1...80).map { "    let value\($0) = \"} \\(\"{\") func\" // }" }
    let text = (["struct A {", "  func long(", "    _ a: Int", "  ) {"] + body + ["  }", "}"])
      .joined(separator: "\n")
    let functions = SwiftSource(text).functions
    #expect(functions.map(\.lines) == [84])
    #expect(functions.map(\.line) == [2])
  }

  @Test func `a requirement without a body is no function`() {
    let text = "protocol P {\n  func a()\n  func b()\n}\nfunc c() { a() }\n"
    #expect(SwiftSource(text).functions.map(\.lines) == [1])
  }

  @Test func `comments and strings are not code`() {
    let text = "let a = \"unsafe\" // unsafe\n/* unsafe\n*/ let b = #\"\"\"\nunsafe \"\n\"\"\"#\n"
    #expect(!SwiftSource(text).code.contains { $0.contains("unsafe") })
    #expect(SwiftSource(text).code.count == 6)
  }
}
