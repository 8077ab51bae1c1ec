// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ChangeJournal

struct ForeignInputTests {
  @Test(arguments: [
    "x", "\n", "hello, world", "{\"_key\":1}", "PK\u{3}\u{4}", "RSJOURNA",
    String(repeating: "name;code\n", count: 1000),
  ])
  func `what is no journal is refused as such`(text: String) {
    #expect(
      read(Array(text.utf8)).error
        == .notAJournal(JournalPlace(stream: "test", offset: 0, frame: 0)))
  }

  @Test func `the beginning of a magic could still become a journal`() {
    guard case .truncated? = read(Array("RSJ".utf8)).error else {
      Issue.record("a cut stream is not a foreign file")
      return
    }
  }

  @Test func `an intact frame with another magic is no journal`() throws {
    let frame = forge(try frames([])[0]) { $0[0] ^= 1 }
    #expect(
      read(frame).error == .notAJournal(JournalPlace(stream: "test", offset: 0, frame: 0)))
  }

  @Test(arguments: [2, 3, 256, UInt16.max])
  func `a later version is refused and named`(version: UInt16) throws {
    let frame = forge(try frames([])[0]) { $0.set(version, at: FrameLayout.Offset.version) }
    #expect(
      read(frame).error
        == .unsupportedVersion(
          JournalPlace(stream: "test", offset: 0, frame: 0), found: UInt64(version), supported: 1))
  }

  @Test func `a damaged version is damage and not a later version`() throws {
    var frame = try frames([])[0]
    frame[FrameLayout.Offset.version] = 9
    guard case .corrupt? = read(frame).error else {
      Issue.record("the checksum must be judged before the version")
      return
    }
  }

  @Test func `version zero is damage`() throws {
    let frame = forge(try frames([])[0]) { $0.set(UInt16(0), at: FrameLayout.Offset.version) }
    guard case .corrupt? = read(frame).error else {
      Issue.record("accepted version 0")
      return
    }
  }
}
