// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// A standard input that does not end before the test says so.
struct HeldInput {
  /// The end that the tool reads.
  let reading: FileHandle
  private let writing: FileHandle

  /// Makes a named pipe in the folder.
  ///
  /// Both ends are closed in every other process that is started meanwhile, else one of those
  /// would keep the pipe open.
  init(in workspace: Workspace) throws {
    let path = workspace.path(UUID().uuidString + ".fifo")
    try #require(unsafe mkfifo(path, 0o600) == 0)
    // Without waiting for a writer; the tool itself shall wait.
    let reader = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    try #require(reader >= 0)
    reading = FileHandle(fileDescriptor: reader, closeOnDealloc: true)
    let writer = unsafe open(path, O_WRONLY | O_CLOEXEC)
    try #require(writer >= 0)
    writing = FileHandle(fileDescriptor: writer, closeOnDealloc: true)
    try #require(fcntl(reader, F_SETFL, 0) == 0)
  }

  /// Writes a text, and waits until the tool has read it: by then it has opened its store.
  ///
  /// To try the lock instead would take it, and the tool might come at that moment.
  func write(_ text: String) async throws {
    try writing.write(contentsOf: Data(text.utf8))
    var waiting: CInt = 1
    for _ in 0..<3000 where waiting > 0 {
      try #require(unsafe ioctl(writing.fileDescriptor, UInt(FIONREAD), &waiting) == 0)
      try await Task.sleep(for: .milliseconds(10))
    }
    try #require(waiting == 0, "nobody reads the input")
  }

  /// Ends the input.
  func end() throws {
    try writing.close()
  }
}
